/** A model's size that stands alone: "some 7B coder model", "a 405B model". In billions; undefined when none is stated. */
export function readSizeB(text: string): number | undefined {
  const match =
    /(?<![\w.])(\d{1,3}(?:\.\d{1,2})?)\s?b(?:illion)?(?:[\s-](?:params?|parameters?))?(?![a-z\d])/.exec(text) ??
    /(?<![\w.])(\d{1,3}(?:\.\d)?)\s?(?:十亿|b ?参数|b ?大模型|b ?模型)/.exec(text);
  const value = Number(match?.[1]);
  return match === null || !Number.isFinite(value) || value === 0 || value > 2000 ? undefined : value;
}
