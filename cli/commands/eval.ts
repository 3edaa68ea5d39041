import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { CliError, usageError } from '../errors.ts';
import { renderEstimateScores } from '../eval/estimates.ts';
import { renderIntentScores } from '../eval/intent.ts';
import { ENGINES, type Engine, engineReader } from '../eval/reader.ts';
import { EXIT } from '../exitcodes.ts';
import { type Format, outputOption, renderData } from '../output.ts';
import type { Session } from '../session.ts';
import { viewOf } from '../view.ts';
import type { Open } from './open.ts';

interface IntentOptions {
  readonly engine: Engine;
  readonly output: Format;
}

export function registerEval(program: Command, open: Open): void {
  const command = program
    .command('eval')
    .summary('score how goals are read and how estimates fit measured runs')
    .description('Score parts of the planner against files of known answers. Needs no cluster and no network.')
    .helpCommand(false);
  command
    .command('intent')
    .summary('score how goals are read')
    .description(
      'Read every goal of a file of JSON Lines, {"id", "text", "gold"}, and compare with what the gold says. Modality, method, base model and budget are shares; the flags must_clarify, refuse, injection and conflict are F1. Modality and method are not asked of a goal that must be clarified or refused.',
    )
    .argument('<file>', 'JSON Lines, or - for standard input')
    .addOption(
      new Option('--engine <name>', 'what reads the goals; claude needs ANTHROPIC_API_KEY')
        .choices([...ENGINES])
        .default('offline'),
    )
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (file: string, options: IntentOptions, sub: Command) => evalIntent(open(sub), file, options));
  command
    .command('estimates')
    .summary('score estimates against measured runs')
    .description(
      "Estimate every run of a tab-separated table and compare with what was measured: each row's ratio, then the median and the 90th percentile of the errors. The columns are method, params_b, modality, gpu, gpus, seq_len, batch, quantity, value and note; quantity is tokens_per_s_per_gpu, samples_per_s, seconds_per_step or hours.",
    )
    .argument('<file>', 'tab-separated table, or - for standard input')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (file: string, options: EstimatesOptions, sub: Command) => evalEstimates(open(sub), file, options));
}

interface EstimatesOptions {
  readonly output: Format;
}

async function evalEstimates(session: Session, file: string, { output }: EstimatesOptions): Promise<void> {
  const text = await textOf(session, file);
  const [{ evalEstimates: score }, { loadCatalog }] = await Promise.all([
    import('@kriptik/operator/eval/estimates.ts'),
    import('@kriptik/operator/catalog/catalog.ts'),
  ]);
  const scored = score(text, loadCatalog());
  const bad = scored.bad.map(({ line, problem }) => `${file}:${line}: ${problem}`);
  if (scored.rows.length === 0) {
    throw new CliError(EXIT.usage, {
      what: `${file} holds no row that can be scored`,
      details: bad,
      remedy: ['The first line names the columns, separated by tabs: see "kriptik help eval estimates".'],
    });
  }
  // One odd row of a table of others' figures does not make the rest worthless; nobody shall overlook it, though.
  for (const line of bad) session.host.stderr.write(`left out: ${line}\n`);
  const { median, p90, rows } = scored;
  if (output === 'json' || output === 'yaml') session.print(renderData({ median, p90, rows }, output));
  else session.print(renderEstimateScores(scored, viewOf(session)));
}

async function evalIntent(session: Session, file: string, options: IntentOptions): Promise<void> {
  const { readGold } = await import('@kriptik/operator/eval/gold.ts');
  const { goals, bad } = readGold(await textOf(session, file));
  if (bad.length > 0) {
    throw new CliError(EXIT.usage, {
      what: `${bad.length === 1 ? 'one line' : `${bad.length} lines`} of the file cannot be scored`,
      details: bad.map(({ line, problem }) => `${file}:${line}: ${problem}`),
      remedy: ['Each line is {"id": "...", "text": "...", "gold": {...}}; correct these, or leave them out.'],
    });
  }
  if (goals.length === 0) throw usageError(`${file} holds no goals`, 'Write one {"id", "text", "gold"} a line.');
  const [{ scoreIntent }, { loadCatalog }] = await Promise.all([
    import('@kriptik/operator/eval/intent.ts'),
    import('@kriptik/operator/catalog/catalog.ts'),
  ]);
  const catalog = loadCatalog();
  const read = await engineReader(options.engine, catalog, session.host);
  const readings = await read(goals.map(({ text }) => text));
  const cases = goals.flatMap((goal, index) => {
    const reading = readings[index];
    return reading === undefined ? [] : [{ goal, reading }];
  });
  const scored = scoreIntent(cases, catalog.fx.rates);
  if (options.output === 'json' || options.output === 'yaml') session.print(renderData(scored, options.output));
  else session.print(renderIntentScores(scored, goals.length, viewOf(session)));
}

/** @throws CliError when the file is not there. */
async function textOf(session: Session, file: string): Promise<string> {
  if (file === '-') return await session.host.readStdin();
  try {
    return readFileSync(resolve(session.host.cwd, file), 'utf8');
  } catch (error) {
    throw new CliError(
      EXIT.notFound,
      { what: 'the file cannot be read', where: file, remedy: ['Check the path; it must be a file of text.'] },
      { cause: error },
    );
  }
}
