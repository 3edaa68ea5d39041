/** What may not be trained, and text that tries to steer the planner. Rules work on lower-case text. */

interface RefusalRule {
  readonly reason: string;
  readonly pattern: RegExp;
  /** Words around a match that make the goal a protective one; absent = the usual ones. */
  readonly protective?: RegExp;
}

/** Nothing makes these protective. */
const NOTHING = /(?!)/;
/** Work against abuse, where merely recognising something is not enough. */
const MODERATION =
  /detect\w*|classif\w*|filter\w*|moderat\w*|block\w*|prevent\w*|flag\w*|report(?:s|ing)?\b|erkenn\w*|检测/;

const SEXUAL = String.raw`(?:nudes?\b|naked|undress\w*|nsfw|porn\w*|explicit|sexual\w*|erotic\w*|strip(?:s|ped)? (?:her|him|them|people)|deep ?nude|nackt\w*|desnud\w+|nue?s?\b|裸)`;
const MINOR = String.raw`(?:child(?:ren)?|minors?|kids?|underage|teen(?:age)?\w*|school ?girls?|little girls?|little boys?|loli\w*|\b1[0-7][- ]year|kinder\w*|niñ[oa]s?|enfants?|未成年|儿童)`;
const PERSON = String.raw`(?:coworkers?|colleagues?|classmates?|neighbou?rs?|ex\b|ex-?(?:girlfriend|boyfriend|wife|husband)|girls? (?:i|from)|celebrit\w+|actress\w*|actors?\b|streamers?|teachers?|roommates?|crush|influencers?|politicians?|her|him|real (?:people|person|women)|instagram|facebook|tiktok|someone|strangers?|kollegin|ex-?freundin)`;

const REFUSALS: readonly RefusalRule[] = [
  {
    reason: 'Sexual content that involves minors is never trained.',
    pattern: near(SEXUAL, MINOR, 120),
    protective: MODERATION,
  },
  {
    reason: 'Sexual pictures, voices or texts of real people are not trained: nothing shows that they consented.',
    pattern: near(SEXUAL, PERSON, 140),
    protective: MODERATION,
  },
  {
    reason: 'A voice or likeness is not cloned to deceive: impersonating a person without consent is not trained.',
    pattern:
      /(?:clon\w+|imitat\w+|fake|mimic\w*|impersonat\w+|sound(?:s)? (?:exactly )?like|deep ?fake|voice of)(?:(?!detect)[\s\S]){0,160}(?:scam\w*|fraud|trick\w*|fool\w*|deceiv\w+|without (?:\w+ ){0,4}(?:knowing|consent|permission|telling)|(?:he|she|they) (?:must|should|will)? ?(?:not|never|n't) (?:know|find out)|(?:doesn't|does not|don't|do not|didn't|won't) (?:know|agree|have to know)|bank|wire|transfer money|(?:her|him|them|people|everyone|voters|fans) (?:believe|think)|(?:believe|think)s? (?:it is|it's|that it)|payments?\b|ransom|prank call|get past|bypass|authori[sz]e)|(?:scam\w*|fraud\w*|phish\w*)(?:(?!detect|spot|recogni|filter|block|classif|warn)[\s\S]){0,100}(?:voice|caller?|likeness)|deep ?fakes?(?: \w+){0,3} (?:of|with|showing) (?:(?!detect)[\s\S]){0,60}(?:president|minister|candidate|politician|ceo|boss|senator|mayor|celebrit)/,
  },
  {
    reason: 'Malware, phishing and break-in tools are not trained.',
    pattern: intent(
      String.raw`(?:malware|ransomware|keyloggers?|botnets?|trojans?|computer viruses|phishing|exploit code|zero-?days?|credential stealers?|spear-?phish\w*|undetectable (?:by|to) antivirus|evade (?:antivirus|edr))`,
    ),
  },
  {
    reason: 'Help with weapons, explosives, poisons or pathogens is not trained.',
    pattern: intent(
      '(?:bombs?|explosives?|nerve agents?|chemical weapons?|bioweapons?|pathogens? (?:more|that)|ghost guns?|3d-?printed guns?|sarin|ricin|anthrax|meth(?:amphetamine)? synthesis|synthesi[sz]e (?:drugs|meth|fentanyl))',
    ),
  },
  {
    reason: 'Propaganda, hate and harassment of people are not trained.',
    pattern: intent(
      String.raw`(?:hate speech|racist|antisemitic|nazi propaganda|terror\w* (?:propaganda|recruit\w+)|extremist (?:propaganda|content|posts)|harass\w*|cyber-?bull\w+|slurs|bully(?:ing)?|doxx?\w*)`,
    ),
  },
  {
    reason: 'Deceiving the public with fake news, voters or reviewers is not trained.',
    pattern: intent(
      String.raw`(?:disinformation|misinformation|fake news|election (?:lies|fraud)|voters? (?:into|that)|fake (?:product |customer |amazon |google |five[- ]star )?reviews|astroturf\w*|vaccine lies|fake (?:ids?|passports?|doctors?'? notes?|invoices?))`,
    ),
  },
  {
    reason: 'Romance scams, fraud and extortion are not trained.',
    pattern: intent(
      String.raw`(?:romance scams?|scam (?:victims|people|messages|emails|calls)|scam(?:s|ming)? (?:old|elderly)|defraud\w*|extort\w*|blackmail\w*|catfish\w*|money laundering)`,
    ),
  },
  {
    reason: 'Recognising or tracking people without their knowledge is not trained.',
    protective: NOTHING,
    pattern:
      /(?:recogni[sz]|identif|track|follow|find|stalk)\w* (?:(?!anonymi)[\s\S]){0,60}(?:protest(?:e|o)rs?|my ex\b|strangers|ethnic\w*|uyghur\w*|gay|religion|undocumented|without (?:their|her|his) (?:knowledge|knowing|consent))/,
  },
  {
    reason: 'Encouraging people to harm themselves is not trained.',
    pattern: intent(
      String.raw`(?:suicide|self-?harm|anorexi\w+|pro-?ana)`,
      'encourag|promot|persuad|convinc|talk \\w+ into|glorif',
    ),
  },
];

/** Words that turn a harmful subject into a protective goal. */
const PROTECTIVE =
  /detect\w*|classif\w*|filter\w*|moderat\w*|block\w*|prevent\w*|flag\w*|spot\w*|recogni[sz]\w*|warn\w*|counter\w*|defen[sd]\w*|protect\w*|triage|fight\w*|erkenn\w*|détect\w*|detectar|检测|识别|awareness|training employees|refus\w*/;

/** The reason why a goal is refused; null = nothing speaks against it. */
export function readRefusal(text: string): string | null {
  for (const { reason, pattern, protective = PROTECTIVE } of REFUSALS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const around = text.slice(Math.max(0, match.index - 60), match.index + match[0].length + 20);
    if (!protective.test(around)) return reason;
  }
  return null;
}

const INJECTIONS: readonly RegExp[] = [
  /(?:ignore|disregard|forget|skip|override|bypass|drop|ignorier\w*|vergiss|ignora\w*|olvida|ignore[zr]|oublie\w*|忽略|无视) (?:(?:all|any|the|your|our|my|every|previous|prior|above|earlier|alle|bisherigen|vorherigen|todas?|las|les|toutes|tes|vos|所有|之前的|以上)\s?){1,4}(?:\w+ ){0,3}(?:instructions?|rules?|polic(?:y|ies)|limits?|budgets?|prompts?|guardrails?|restrictions?|checks?|approvals?|anweisungen|regeln|grenzen|instrucciones|reglas|límites?|consignes|règles|指令|规则|限制|提示)/,
  /忽略.{0,10}(?:指令|规则|限制|提示|预算)|无视.{0,10}(?:指令|规则|限制|预算)/,
  /<\/?(?:goal|system|instructions?|user|assistant|admin|policy|contract|plan|tool)\b[^>]*>|\[\/?(?:inst|system|admin)\]|<\|[a-z_]+\|>|^#{2,}\s*(?:system|instruction|new task)/m,
  /["']?(?:budget\w*|limit|approved|approval|refuse|must_clarify|injection|max_?cost|spend\w*|auto_?approve\w*)["']?\s*[:=]\s*["']?(?:true|false|null|\d)/,
  /(?:you are now|act as|pretend (?:to be|you are)|from now on,? you|as the (?:system|operator|admin\w*|developer))\b.{0,80}(?:admin\w*|root|no (?:limits?|restrictions?|rules)|unrestricted|approv\w+|operator|planner|developer|unlimited)/,
  /system prompt|developer mode|jailbreak|prompt injection|hidden (?:prompt|instructions)|reveal your|print your (?:prompt|instructions)|api[_ ]?keys? (?:in|to)|environment variables/,
  /(?:turn|switch) (?:\w+ ){0,3}(?:spend|budget|cost|limit|tracking|approval|policy|check)\w*(?: \w+){0,2} off|disable (?:\w+ ){0,3}(?:budget|spend|cost|approval|policy|limit|tracking|check|freeze)\w*/,
  /(?:no|without|skip\w*|bypass\w*|omit|waive|don'?t (?:ask|wait) for|do not (?:ask|wait) for|needs? no|auto-?|pre-?|already )\s?(?:the |any |human |manager |my |an? )*approv(?:al|ed?|e)s?\b(?: (?:is )?(?:needed|required|step))?|consider (?:this|it) approved|mark (?:this|it|the|my)(?: plan| goal| job| request)? (?:as )?approved|(?:budget|spend\w*|approval|policy|limit) (?:check|tracking|control)s? (?:is |are )?(?:disabled|off)|lift (?:the |all )?(?:\w+ )?(?:cap|limit)s?|approve (?:this|it|the plan) (?:yourself|automatically|immediately)|bereits genehmigt|ya está aprobado|déjà approuvé|已批准|无需审批|跳过审批/,
  /(?:follow|obey|execute) (?:those|these|them|the|its|any) (?:\w+ ){0,3}(?:over|instead of|rather than|before)|contains? instructions? for (?:you|the)|instructions? (?:in|inside|within) the (?:dataset|readme|file|card)/,
  /(?:set|raise|change|increase|treat|report|record|write|put) (?:\w+ ){0,3}(?:budget|limit|cap|spend\w*|cost|price)s?(?: \w+){0,3} (?:to|as) (?:unlimited|infinite|zero|0\b|none|[$€£]?\s?\d{4,})|unlimited (?:budget|spend\w*)|budget (?:is )?(?:unlimited|infinite)/,
  /(?:note|message|memo|instruction|attention|hey|dear|hinweis) (?:to|for|an) (?:the )?(?:ai|planner|parser|model|assistant|llm|system|operator|bot|reviewer|claude)\b/,
];

/** Whether the text speaks to the planner instead of describing a goal. */
export function readInjection(text: string): boolean {
  return INJECTIONS.some((pattern) => pattern.test(text));
}

/**
 * The text without the parts that try to steer: markup, JSON objects and the
 * sentences an injection rule matches. What remains is planned as written.
 */
export function honestPart(text: string): string {
  const plain = text
    .replace(/<\/?[a-z|_]+[^>]*>/gi, ' . ')
    .replace(/\{[^{}]*\}/g, ' ')
    .replace(/\[\/?[a-z]+\]/gi, ' . ');
  const kept = plain
    .split(/(?<=[.!?;。！？；\n])\s*/)
    .filter((sentence) => !INJECTIONS.some((pattern) => pattern.test(sentence.toLowerCase())));
  return kept.join(' ').trim();
}

/** Two things within `distance` characters of each other, in either order. */
function near(a: string, b: string, distance: number): RegExp {
  return new RegExp(`${a}[\\s\\S]{0,${distance}}?\\b${b}|\\b${b}[\\s\\S]{0,${distance}}?${a}`);
}

/** A harmful subject that the text wants made. */
function intent(subject: string, verbs?: string): RegExp {
  const make =
    verbs ??
    'writ|generat|creat|produc|mak|craft|spread|build|compos|teach|help|answer|design|develop|automat|send|respond|act|talk|post|train|model|bot|run';
  return new RegExp(`(?:${make})\\w*[\\s\\S]{0,90}?\\b${subject}`);
}
