/** Who publishes a model, as it precedes the model's own name. */
const VENDOR = /^(?:meta|google|microsoft|mistralai|openai|alibaba|tencent|nvidia|stabilityai|deepseek-ai|bigcode)-/;
/** A count of weights such as 7b, 0.5B, 8x7b or 135m, as a word of its own. */
const SIZE = /(?<![a-z0-9.])(?:\d+x)?\d+(?:\.\d+)?[bm](?![a-z0-9])/g;

/** A model's name without what tells its relatives apart: vendor, size, -instruct and punctuation. */
export function modelFamily(name: string): string {
  return name
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(VENDOR, '')
    .replace(SIZE, '')
    .replace(/\binstruct\b/g, '')
    .replace(/[^\p{L}\p{N}]/gu, '');
}
