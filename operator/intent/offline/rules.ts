import type { MethodName, Modality } from '@kriptik/crds';

/** A capability and the words that stand for it. Patterns are tried on lower-case text; weights add up. */
export interface CapabilityRule {
  readonly capability: string;
  readonly modality: Modality;
  readonly pattern: RegExp;
  readonly weight: number;
  /** Methods that suit it, best first; absent = those of the modality. */
  readonly methods?: readonly MethodName[];
}

const rule = (
  modality: Modality,
  capability: string,
  weight: number,
  pattern: RegExp,
  methods?: readonly MethodName[],
): CapabilityRule => ({ modality, capability, weight, pattern, ...(methods !== undefined && { methods }) });

/** English first; German, French, Spanish and Chinese where one word decides. */
export const CAPABILITIES: readonly CapabilityRule[] = [
  // code
  rule(
    'code',
    'text-to-sql',
    6,
    /text[- ]?(?:to|2)[- ]?sql|nl2sql|sql quer|generat\w+ sql|write sql|sql generation|生成 ?sql|\bin sql\b|\binto sql\b|to sql\b/,
    ['qlora', 'lora'],
  ),
  rule(
    'code',
    'code-completion',
    5,
    /code completion|autocomplet|complete (?:our |my )?code|style of our (?:own )?projects|fill[- ]in[- ]the[- ]middle|代码补全|code in the style|own (?:python |java |c\+\+ )?code\b|our (?:internal )?(?:codebase|frameworks?|sdk)/,
  ),
  rule('code', 'code-review', 5, /code review|review (?:pull requests|prs|diffs)|commit messages?/),
  rule(
    'code',
    'code-generation',
    4,
    /(?:writ|generat|produc|translat|convert|migrat|refactor|fix|port)\w* (?:\w+ ){0,4}(?:code|functions?|scripts?|unit tests?|cobol|verilog|rtl|terraform|ansible|regex\w*|solidity|bugs?)|code generation|coding (?:assistant|model|agent)|unit tests|代码生成|写代码|programmieren|código|codebase|repositor(?:y|ies)|pull requests?|代码/,
  ),
  rule(
    'code',
    'code-generation',
    2,
    /\b(?:python|java|javascript|typescript|rust|golang|c\+\+|c#|cobol|verilog|vhdl|solidity|kotlin|fortran|haskell|julia|plc|abap)\b|coder\b/,
  ),
  // images or video together with text
  rule(
    'multimodal',
    'image-captioning',
    6,
    /captio\w+|describe (?:\w+ ){0,3}(?:images?|photos?|pictures?)|alt[- ]?text|image descriptions?|图像描述|看图|bildbeschreib|legendes? d'images|describir imágenes/,
  ),
  rule(
    'multimodal',
    'visual-question-answering',
    6,
    /visual question|\bvqa\b|(?:ask|questions?|answers?) (?:\w+ ){0,4}(?:about|on|over|from) (?:\w+ ){0,3}(?:images?|photos?|pictures?|charts?|diagrams?|figures?|x-?rays?|scans?)|images? with questions|chart understanding|read (?:charts|gauges|meters)/,
  ),
  rule(
    'multimodal',
    'ocr',
    6,
    /\bocr\b|handwrit\w+|transcribe (?:scann?ed|handwritten)|read (?:scann?ed|handwritten)|license plates?|文字识别|手写/,
  ),
  rule(
    'multimodal',
    'document-extraction',
    6,
    /(?:invoices?|receipts?|scann?ed (?:forms?|documents?|pdfs?)|document (?:understanding|extraction|parsing)|rechnungen|facturas?|factures?|发票|delivery notes|bills? of lading|id cards?)/,
  ),
  rule(
    'multimodal',
    'gui-grounding',
    6,
    /\bgui\b|screenshots?|ui elements?|screen (?:agent|grounding)|click (?:the right|on)/,
  ),
  rule(
    'multimodal',
    'video-understanding',
    7,
    /(?:activity|action) recognition|video (?:understanding|question|qa|captioning|classification|summar\w+)|surveillance video|describe (?:\w+ ){0,3}videos?|what happens in (?:the )?videos?|视频理解/,
  ),
  rule(
    'multimodal',
    'visual-question-answering',
    4,
    /vision[- ]language|\bvlms?\b|multi-?modal|多模态|image[- ]text|images? and text|radiolog\w+|chest x-?ray|图文/,
  ),
  rule(
    'multimodal',
    'image-classification',
    5,
    /(?:classif\w+|detect\w*|recogni[sz]\w+|identif\w+|tell apart) (?:\w+ ){0,5}(?:images?|photos?|pictures?|defects?|plants?|leaf|leaves|tumou?rs?|species)|image classif/,
  ),
  // audio
  rule(
    'audio',
    'voice-clone',
    7,
    /clon\w+ (?:\w+ ){0,4}voice|voice[- ]?clon\w+|(?:my|her|his|our|own|narrator'?s?|actor'?s?) (?:own )?voice|voice conversion|stimme (?:klonen|nachbilden)|(?:meine|eigene) stimme|clonar (?:mi )?voz|mi (?:propia )?voz|ma voix|cloner (?:ma )?voix|克隆.{0,6}(?:声音|语音|音色)|声音克隆|sounds? like me/,
    ['voice-clone'],
  ),
  rule(
    'audio',
    'singing-voice',
    8,
    /sing(?:ing|s|er)\b(?! along)|\bhum(?:s|ming)?\b|vocaloid|\bsvc\b|gesang|歌声|canto\b|cantante/,
    ['voice-clone', 'lora'],
  ),
  rule(
    'audio',
    'text-to-music',
    8,
    /\bmusic\b|\bsongs?\b|\btracks?\b|melod(?:y|ies)|\bbeats?\b|lo-?fi|instrumental|soundtracks?|afrobeat|techno|jazz|composition|suno|udio\b|musik|música|musique|音乐|歌曲|\bgenre\b|multitrack|orchestra/,
  ),
  rule(
    'audio',
    'speech-recognition',
    7,
    /speech[- ]?(?:recognition|to[- ]?text)|\basr\b|\bstt\b|transcri(?:be|bing|ptions?)\b|audio (?:with|and) transcripts|transcripts of (?:calls|audio|speech)|dictation|recogni[sz]e (?:\w+ ){0,3}speech|spracherkennung|transkri\w+|reconocimiento de voz|语音识别|转写|medical recordings|diktat\w*/,
    ['lora', 'full'],
  ),
  rule(
    'audio',
    'text-to-speech',
    6,
    /text[- ]?to[- ]?speech|\btts\b|speech synthesis|read (?:\w+ ){0,3}aloud|audiobooks?|narrat\w+|sprachausgabe|síntesis de voz|语音合成|speak\w* (?:in )?(?:\w+ ){0,2}(?:accent|dialect|language)/,
    ['lora', 'full'],
  ),
  rule('audio', 'sound-effects', 6, /sound effects?|\bsfx\b|foley|ambien\w+ sounds?|geräusche|音效/),
  rule(
    'audio',
    'audio-classification',
    5,
    /(?:classif\w+|detect\w*|recogni[sz]\w+) (?:\w+ ){0,4}(?:sounds?|audio|noises?|bird ?songs?|coughs?|speakers?)/,
  ),
  rule(
    'audio',
    'text-to-speech',
    3,
    /\bvoices?\b|\baudio\b|(?<!hate |free |of )\bspeech\b|podcasts?|recordings?|spoken|stimme|voz\b|voix\b|语音|声音|音频/,
  ),
  // video
  rule(
    'video',
    'video-motion',
    7,
    /camera (?:movements?|motion|control)|motion (?:transfer|lora|style)|control\w* the camera|dance moves?|运镜/,
  ),
  rule(
    'video',
    'text-to-video-style',
    6,
    /(?:video|clips?|animat\w+|knetanimation|claymation|stop[- ]?motion)(?:\W+\w+){0,8}\W+(?:style|stil|look|estilo|风格)|(?:style|stil|look|estilo) (?:\w+ ){0,4}(?:animat\w+|clips|knetanimation|claymation|stop[- ]?motion)/,
  ),
  rule(
    'video',
    'text-to-video',
    5,
    /(?:text|image|t|i)[- ]?(?:to|2)[- ]?v(?:ideo)?\b|video (?:generat\w+|model|diffusion|lora)|(?:generat|mak|creat|produc)\w+ (?:\w+ ){0,5}(?:videos?|clips?|animations?|footage)|视频生成|生成.{0,6}视频|vídeos?\b|vidéos?\b/,
  ),
  rule('video', 'text-to-video', 3, /\bvideos?\b|\bclips?\b|footage|frames\b|视频|animation\b/),
  // image
  rule(
    'image',
    'subject-image',
    6,
    /dreambooth|textual invers\w+|(?:photos?|pictures?|pics|images?|drawings?|selfies?|shots) (?:of|with) (?:my|our|the|a single|one|her|his)|single subject|my (?:dog|cat|face|character|oc\b|product|kid|son|daughter|girlfriend|wife|husband)|\boc\b|same (?:character|person|face)|headshots?|consistent character|mein(?:en|em)? (?:hund|katze)|mi perr[oa]|mon chien|我的(?:狗|猫|脸)/,
    ['dreambooth', 'lora'],
  ),
  rule(
    'image',
    'text-to-image-style',
    6,
    /(?:art|drawing|painting|illustration|visual|our|my|original|house|brand)[- ]?style|(?:style|stil|estilo|画风|风格) (?:of|lora|von|de)|in the style of|im stil|画风|style on (?:sdxl|flux|sd)|watercolou?r|pixel ?art|line ?art|\bicons?\b|logos?\b|anime|manga|tattoos?/,
    ['lora', 'dreambooth'],
  ),
  rule(
    'image',
    'text-to-image',
    4,
    /text[- ]?(?:to|2)[- ]?image|image generat\w+|(?:generat|mak|creat|draw|produc|render)\w* (?:\w+ ){0,5}(?:images?|pictures?|photos?|illustrations?|artwork|portraits?|mock-?ups?|nudes?)|生成.{0,8}(?:图片|图像)|文生图|bilder (?:generieren|erzeugen)|generar imágenes/,
    ['lora', 'dreambooth', 'full'],
  ),
  rule(
    'image',
    'text-to-image',
    2,
    /\bimages?\b|\bphotos?\b|\bpictures?\b|\bpics\b|drawings?|\bart\b|paintings?|illustrations?|图片|照片|图像|bilder\b|fotos?\b|imágenes|dibujos/,
    ['lora', 'dreambooth', 'full'],
  ),
  // language
  rule(
    'llm',
    'function-calling',
    7,
    /function[- ]?call\w*|tool[- ]?(?:calls?|calling|use)|call (?:our |the |my )?(?:apis?|tools?)|工具调用|函数调用/,
    ['qlora', 'lora'],
  ),
  rule(
    'llm',
    'alignment',
    5,
    /\bdpo\b|\bkto\b|\borpo\b|\bppo\b|\bgrpo\b|\brlhf\b|\brlaif\b|preference (?:pairs?|data|optimi[sz]ation)|reward model|chosen (?:and|\/|vs\.?) rejected|politeness|less (?:verbose|wordy|toxic|sycophantic)|align(?:ed|ment)\b|偏好|präferenz\w*|preferencias|ranked answers|thumbs[- ]?(?:up|down)/,
    ['dpo', 'rlhf'],
  ),
  rule(
    'llm',
    'reasoning',
    6,
    /reasoning|chain[- ]of[- ]thought|competition math|\bmath\b|theorem|step[- ]by[- ]step solutions?|推理|数学|gsm8k|aime\b/,
    ['full', 'lora', 'rlhf'],
  ),
  rule(
    'llm',
    'summarization',
    6,
    /summari[sz]\w*|abstracts?\b|tl;?dr|zusammenfass\w*|res[uú]m(?:en|ir|é|er|enes|ir)\w*|摘要|总结/,
  ),
  rule('llm', 'translation', 6, /translat\w+ (?!(?:\w+ ){0,4}code)|translation|übersetz\w*|traduc\w+|tradui\w+|翻译/),
  rule(
    'llm',
    'classification',
    5,
    /classif\w+ (?!(?:\w+ ){0,5}(?:images?|photos?|pictures?|sounds?|audio))|sentiment|moderat\w+|detect\w* (?:\w+ ){0,3}(?:hate|toxic\w*|spam|harass\w*|fraud\w*|sarcasm|phishing|abus\w+|fake)|categori[sz]\w+|spam filter|intent detection|toxicity|label (?:our |my |the )?(?:tickets?|emails?|reviews?|posts?)|分类|klassifi\w+|clasific\w+/,
  ),
  rule(
    'llm',
    'information-extraction',
    5,
    /extract\w* (?:\w+ ){0,4}(?:entit|fields?|names|dates|clauses|facts|json|information|key)|named entit\w+|\bner\b|to json|structured (?:output|data)|抽取/,
  ),
  rule(
    'llm',
    'question-answering',
    5,
    /\bfaqs?\b|question[- ]?(?:and[- ])?answer\w*|answer\w* (?:\w+ ){0,4}questions?|answers? (?:\w+ ){0,3}(?:about|on|from)|\bq ?& ?a\b|问答|回答|fragen (?:\w+ )?beantwort\w*|responder preguntas|répond\w+|help ?desk|knowledge base|handbook|internal docs|documentation/,
  ),
  rule(
    'llm',
    'chat',
    5,
    /chat ?bots?|\bchat\b|assistant|support (?:tickets?|agent|bot|team|model)|customer (?:support|service)|conversation\w*|dialog\w*|persona\b|role-?play|in our tone|our tone|voice of our brand|客服|聊天|对话|kundenservice|kundensupport|asistente|tickets?\b|tutor\b|companion/,
  ),
  rule(
    'llm',
    'text-generation',
    4,
    /(?:writ|draft|generat|compos|produc)\w* (?:\w+ ){0,5}(?:text|emails?|repl(?:y|ies)|stories|story|novels?|poems?|poetry|articles?|blog\w*|posts?|copy|descriptions?|reports?|letters?|newsletters?|headlines?|tweets?|contracts?|screenplays?|recipes?|quest\w*|jokes?)|storytelling|copywriting|marketing copy|写作|小说|schreib\w*|escribir|rédiger/,
  ),
  rule(
    'llm',
    'instruction-following',
    3,
    /\bllms?\b|language model|\bgpt\b|instruct\w*|instruction|大模型|语言模型|sprachmodell|modelo de lenguaje|modèle de langue|微调|text(?:s|e|os)?\b|legal|medical|law\b|contracts?|clinical|finance|wiki/,
  ),
];

export const MODALITY_METHODS: Readonly<Record<Modality, readonly MethodName[]>> = {
  llm: ['qlora', 'lora'],
  code: ['lora', 'qlora'],
  multimodal: ['lora', 'qlora'],
  image: ['lora', 'dreambooth'],
  video: ['lora'],
  audio: ['lora', 'full'],
};
