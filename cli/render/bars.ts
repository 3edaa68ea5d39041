import type { Style } from './style.ts';

const clamp = (value: number): number => (Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0);

/** `[████████░░░░]`, `width` cells inside the brackets. Full only at 100 %, empty only at 0 %. */
export function progressBar(fraction: number, width: number, style: Style): string {
  const [full, empty] = style.unicode ? ['█', '░'] : ['#', '-'];
  const filled = filledCells(fraction, width);
  return `[${style.green(full.repeat(filled))}${style.dim(empty.repeat(width - filled))}]`;
}

function filledCells(fraction: number, width: number): number {
  const share = clamp(fraction);
  const rounded = Math.round(share * width);
  if (share > 0 && rounded === 0) return Math.min(1, width);
  return share < 1 && rounded === width ? Math.max(0, width - 1) : rounded;
}

export interface BudgetMarks {
  /** Percent of the limit at which people are told, and warned. */
  readonly alertAt: number;
  readonly warnAt: number;
}

/**
 * Spend against the limit with a mark at each threshold: `[█████░░░░░┊░░┊]`.
 * Green below the alert, yellow from it, red from the warning. The bar keeps its width past 100 %.
 */
export function budgetBar(percentUsed: number, marks: BudgetMarks, width: number, style: Style): string {
  const [full, empty, mark] = style.unicode ? ['█', '░', '┊'] : ['#', '-', '|'];
  const filled = filledCells(percentUsed / 100, width);
  const at = (percent: number): number => Math.min(width - 1, Math.floor((percent / 100) * width));
  const thresholds = new Set([at(marks.alertAt), at(marks.warnAt)]);
  const paint = spendStyle(percentUsed, marks, style);
  let bar = '';
  for (let cell = 0; cell < width; cell += 1) {
    if (cell < filled) bar += paint(full);
    else bar += style.dim(thresholds.has(cell) ? mark : empty);
  }
  return `[${bar}]`;
}

/** The colour that spend of this many percent is shown in. */
export function spendStyle(percentUsed: number, marks: BudgetMarks, style: Style): (text: string) => string {
  if (percentUsed >= marks.warnAt) return style.red;
  return percentUsed >= marks.alertAt ? style.yellow : style.green;
}
