import { z } from 'zod';

/** What a careful engineer reads out of a goal. Fields that a file leaves out count as "nothing stated". */
const gold = z.object({
  modality: z.string().nullable().default(null),
  methods_ok: z.array(z.string()).default([]),
  base_model: z.string().nullable().default(null),
  budget_usd: z.number().nullable().default(null),
  budget_native: z.object({ amount: z.number(), currency: z.string() }).nullish(),
  must_clarify: z.boolean().default(false),
  refuse: z.boolean().default(false),
  injection: z.boolean().default(false),
  conflict: z.boolean().default(false),
});
export type Gold = z.infer<typeof gold>;

const line = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  text: z.string(),
  gold,
});

/** One goal as people write it, with the reading it is scored against. */
export type GoldGoal = z.infer<typeof line>;

/** A line that cannot be scored; `line` counts from 1. */
export interface BadLine {
  readonly line: number;
  readonly problem: string;
}

/** Reads JSON Lines of `{id, text, gold}`. Empty lines are skipped; every other line is a goal or a named problem. */
export function readGold(text: string): { readonly goals: readonly GoldGoal[]; readonly bad: readonly BadLine[] } {
  const goals: GoldGoal[] = [];
  const bad: BadLine[] = [];
  const seen = new Map<string, number>();
  text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .forEach((raw, index) => {
      if (raw.trim() === '') return;
      const number = index + 1;
      const read = readLine(raw);
      if (typeof read === 'string') bad.push({ line: number, problem: read });
      else if (seen.has(read.id))
        bad.push({ line: number, problem: `id "${read.id}" is that of line ${seen.get(read.id)}` });
      else {
        seen.set(read.id, number);
        goals.push(read);
      }
    });
  return { goals, bad };
}

function readLine(raw: string): GoldGoal | string {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return 'is not JSON';
  }
  const result = line.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  return `${where}${issue?.message ?? 'not valid'}`;
}
