import { describe, expect, it } from 'vitest';
import { makeStyle, plainStyle } from '../render/style.ts';
import { displayWidth } from '../render/width.ts';
import { markdownPlan } from './markdown.ts';
import { documentOf } from './outcome.ts';
import { renderPlan } from './screen.ts';
import { pricedPlan } from './testing.ts';

const options = { name: 'helpdesk', source: 'published list prices', why: false };
const screen = (fields = {}, shown = {}, width = 80): string[] =>
  renderPlan(pricedPlan(fields), { ...options, ...shown }, { style: plainStyle, width, now: 0 });

const changes = [
  {
    tile: 'GPU' as const,
    what: 'card',
    before: 'L40S',
    after: 'H100',
  },
  {
    tile: 'Budget' as const,
    what: 'expected total',
    before: '2.19787',
    after: '1.90',
    costDelta: '-0.29787',
  },
  {
    tile: 'Budget' as const,
    what: 'expected hours',
    before: '2.5',
    after: '4',
    hoursDelta: '1.5',
  },
];

describe('a plan on the screen', () => {
  it('tells tiles, price, warnings and what could be set instead', () => {
    const text = screen().join('\n');
    for (const line of [
      'Plan of helpdesk',
      'abababababab',
      'published list prices, as of 2026-11-01',
      'Qwen2.5 7B',
      '1x L40S 48 GB on runpod',
      'fits the limit',
      'The number of rows is not known.',
      'The text speaks of 5,000 examples.',
    ])
      expect(text).toContain(line);
    expect(text).toMatch(/total +\$2\.13 +\$3\.42 +\$4\.71/);
    expect(text).toMatch(/method=lora +\$4\.92 +\+\$1\.50 +3h6m +LoRA/);
    expect(text).not.toContain('method=full');
    expect(text).not.toContain('Why this');
    expect(text).not.toContain('Changed');
  });

  it.each([80, 120])('is no wider than %i cells', (width) => {
    const shown = { why: true };
    const lines = screen(
      { changes, stalePrice: { asOf: '2026-01-01', message: 'The price is 60 days old.' } },
      shown,
      width,
    );
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(width);
  });

  it('gives the reason for every value with --why', () => {
    const text = screen({}, { why: true }).join('\n');
    expect(text).toMatch(/Why this method\n {2}rank: 16\n {4}Enough for a change of tone\.\n {4}arXiv:0000/);
  });

  it('tells what --set changed, and by how much', () => {
    const text = screen({ changes }).join('\n');
    expect(text).toMatch(/GPU +card +- +- +L40S to H100/);
    expect(text).toMatch(/Budget +expected total +-\$0\.30 +- +\$2\.20 to \$1\.90/);
    expect(text).toMatch(/Budget +expected hours +- +\+1h30m +2h30m to 4h/);
  });

  it('is coloured only by a style that has colour', () => {
    const coloured = renderPlan(pricedPlan(), options, {
      style: makeStyle({ color: true, unicode: true }),
      width: 80,
      now: 0,
    });
    expect(coloured.join('\n')).toContain('\u001b[');
    expect(screen().join('\n')).not.toContain('\u001b');
  });
});

describe('a plan as Markdown', () => {
  it('has its verdict, tables and digest, and folds the rest away', () => {
    const text = markdownPlan(pricedPlan({ changes }), { ...options, why: true });
    expect(text).toContain('### Training plan: helpdesk\n');
    expect(text).toContain('**$3.42** expected ($2.13 to $4.71) in 3h30m: fits the limit of $40.00.');
    expect(text).toContain('| Tile | Choice | What it means |\n| --- | --- | --- |\n| Model | Qwen2.5 7B | ');
    expect(text).toContain('| total | $2.13 | $3.42 | $4.71 |');
    expect(text).toContain('<details><summary>Instead</summary>\n\n| `--set` | Total |');
    expect(text).toContain('| Budget | expected total | -$0.30 | - | $2.20 to $1.90 |');
    expect(text).toContain('| Method | rank | 16 | Enough for a change of tone. |');
    expect(text).toMatch(/\nDigest: `sha256:(ab){32}`\n$/);
  });

  it('lets no text of others become markup', () => {
    const summary = 'A | B\n</details><script>@boss *now* `x`';
    const contract = { ...pricedPlan().contract, summary };
    const text = markdownPlan(pricedPlan({ contract }), options);
    expect(text).toContain('A \\| B \\</details\\>\\<script\\>@\u200bboss \\*now\\* \\`x\\`');
  });
});

describe('a plan for programs', () => {
  it('says its outcome first and carries everything', () => {
    expect(Object.keys(documentOf(pricedPlan()))).toEqual([
      'outcome',
      'digest',
      'contract',
      'resolved',
      'quote',
      'tiles',
      'warnings',
      'why',
      'changes',
    ]);
  });

  it.each([
    ['NeedsClarification', { questions: [] }],
    ['Refused', { refused: 'no' }],
    ['Blocked', { blocked: { reason: 'NoProvider', message: '', remedy: '' }, contract: pricedPlan().contract }],
    [
      'OverPolicy',
      { blocked: { reason: 'ForbiddenByPolicy', message: '', remedy: '' }, contract: pricedPlan().contract },
    ],
  ] as const)('says %s where there is none', (outcome, preview) => {
    expect(documentOf(preview)).toMatchObject({ outcome });
  });
});
