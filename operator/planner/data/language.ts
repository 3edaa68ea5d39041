/** Languages that a goal may name for its model, by the words people use for them. */
const NAMED: readonly (readonly [string, RegExp])[] = [
  ['de', /\b(german|deutsch\w*|allemand|alemán|tedesco)\b|德语|ドイツ語/i],
  ['fr', /\b(french|französisch\w*|français\w*|francés)\b|法语|フランス語/i],
  ['es', /\b(spanish|spanisch\w*|español\w*|espagnol)\b|西班牙语/i],
  ['it', /\b(italian|italienisch\w*|italiano)\b/i],
  ['pt', /\b(portuguese|portugiesisch\w*|português)\b/i],
  ['hi', /\bhindi\b|हिन्दी|हिंदी/i],
  ['ja', /\b(japanese|japanisch\w*)\b|日本語|日语/i],
  ['zh', /\b(chinese|mandarin|chinesisch\w*)\b|中文|汉语|普通话/i],
  ['ko', /\b(korean|koreanisch\w*)\b|한국어|韩语/i],
  ['ar', /\b(arabic|arabisch\w*)\b|العربية/i],
  ['ru', /\b(russian|russisch\w*)\b|русск/i],
  ['sw', /\bswahili\b/i],
  ['en', /\b(english|englisch\w*|anglais|inglés)\b|英语|英語/i],
];

const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ['ja', /[\u3040-\u30ff]/],
  ['zh', /[\u4e00-\u9fff]/],
  ['hi', /[\u0900-\u097f]/],
  ['ko', /[\uac00-\ud7af]/],
  ['ar', /[\u0600-\u06ff]/],
  ['ru', /[\u0400-\u04ff]/],
];

const COMMON_WORDS: readonly (readonly [string, RegExp])[] = [
  ['de', /\b(?:und|ich|wir|nicht|ein(?:e|en|er|em)?|der|die|das|mit|für|auf|soll|unser\w*)\b/gi],
  ['fr', /\b(?:le|la|les|des|une|nous|je|pour|avec|sur|est|notre|nos|du)\b/gi],
  ['es', /\b(?:el|los|las|una|para|con|que|quiero|nuestr\w+|del|en|sobre)\b/gi],
  ['en', /\b(?:the|and|our|for|with|that|want|on|of|my|to|in|is)\b/gi],
];

/**
 * ISO codes of the languages a model should know: those the text names, else
 * the one it is written in. Never empty: English where nothing tells.
 */
export function languagesOf(text: string): readonly string[] {
  const named = NAMED.filter(([, words]) => words.test(text)).map(([code]) => code);
  if (named.length > 0) return named;
  const script = SCRIPTS.find(([, letters]) => letters.test(text));
  if (script !== undefined) return [script[0]];
  const counts = COMMON_WORDS.map(([code, words]) => ({ code, count: text.match(words)?.length ?? 0 }));
  const best = counts.toSorted((a, b) => b.count - a.count)[0];
  return [best !== undefined && best.count >= 2 ? best.code : 'en'];
}
