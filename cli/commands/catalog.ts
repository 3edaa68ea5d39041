import type { Catalog } from '@kriptik/operator/catalog/catalog.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { seconds } from '../arguments.ts';
import { FILTERS, type Filters, KINDS, type Kind, listing } from '../catalog/rows.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { type Format, outputOption, renderData } from '../output.ts';
import type { Session } from '../session.ts';
import { didYouMean } from '../suggest.ts';
import type { Open } from './open.ts';

const MODALITIES = ['llm', 'code', 'image', 'video', 'audio', 'multimodal'];

export function registerCatalog(program: Command, open: Open): void {
  const catalog = program
    .command('catalog')
    .summary('models, GPUs, prices and data sets that plans are made of')
    .description(
      'Show and refresh the dated facts that plans rest on: base models, GPUs, list prices, methods and public data sets, each with its source. Needs no cluster; only refresh needs a network.',
    )
    .helpCommand(false);
  registerList(catalog, open);
  catalog
    .command('show')
    .summary('everything about one row, with source and date')
    .description(
      'Show one model, GPU, data set, method or licence, by its id, its name on the Hub or that of a provider.',
    )
    .argument('<id>', 'such as llama-3.1-8b-instruct, H100-SXM-80GB, gsm8k, qlora')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (id: string, options: { output: Format }, command: Command) =>
      show(open(command), id, options.output),
    );
  catalog
    .command('check')
    .summary('check the data, and tell old prices and unverified rows')
    .description(
      'Check the data files and your own rows against their schema and each other, and tell which prices are older than 30 days and which rows nobody verified. Exit code 1 when something is invalid, or with --strict when a price is old.',
    )
    .option('--strict', 'fail on old prices too')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (options: CheckOptions, command: Command) => check(open(command), options));
  catalog
    .command('refresh')
    .summary('ask providers and the Hub for what holds today')
    .description(
      'Ask RunPod for its list prices (RUNPOD_API_KEY) and the Hugging Face Hub for revision, licence and gating of the base models, and keep the answers beside your settings (KRIPTIK_CATALOG names another file). What a source that fails said before stays; the exit code is then 1.',
    )
    .addOption(new Option('--source <name>', 'ask only this one').choices(['runpod', 'hub']))
    .option('--model <id>', 'ask the Hub about this model only')
    .option('--timeout <seconds>', 'how long one answer may take', seconds, 20)
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (options: RefreshOptions, command: Command) => {
      const { runRefresh } = await import('../catalog/refresh.ts');
      await runRefresh(open(command), options);
    });
}

export interface RefreshOptions {
  readonly source?: 'runpod' | 'hub';
  readonly model?: string;
  readonly timeout: number;
  readonly output: Format;
}

function registerList(catalog: Command, open: Open): void {
  catalog
    .command('list')
    .summary('list models, GPUs, prices, data sets or methods')
    .description('List rows of one kind. Prices marked "old" were read more than 30 days ago.')
    .argument('[kind]', KINDS.join(', '), 'models')
    .addOption(new Option('--modality <name>', 'only of this modality').choices(MODALITIES))
    .option('--license <slug>', 'only under this licence')
    .option('--max-params <billions>', 'only models of at most so many billion parameters', billions)
    .option('--provider <name>', 'only GPUs and prices of this provider')
    .option('--commercial', 'only what may be used commercially without conditions')
    .option('--language <code>', 'only what knows this language, such as de')
    .option('--task <word>', 'only data sets for this task')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (kind: string, options: Filters & { output: Format }, command: Command) =>
      list(open(command), kind, options),
    );
}

function billions(text: string): number {
  const value = Number(text.replace(/b$/i, ''));
  if (!(Number.isFinite(value) && value > 0)) throw new InvalidArgumentError('Give billions above zero, such as 8.');
  return value;
}

async function catalogOf(session: Session): Promise<Catalog> {
  const { currentCatalog, overlayPath } = await import('@kriptik/operator/catalog/overlay.ts');
  return await currentCatalog(overlayPath(session.host.env, session.host.home));
}

async function list(
  session: Session,
  word: string,
  { output, ...filters }: Filters & { output: Format },
): Promise<void> {
  const kind = KINDS.find((one) => one === word || one === `${word}s`);
  if (kind === undefined) {
    throw usageError(
      `there is no kind "${word}" in the catalog`,
      didYouMean(word, KINDS) ?? `Use ${KINDS.join(', ')}.`,
    );
  }
  const useless = (Object.keys(filters) as (keyof Filters)[]).filter((name) => !FILTERS[kind].includes(name));
  if (useless.length > 0) throw uselessFilter(kind, useless);
  const listed = listing(await catalogOf(session), kind, filters);
  if (output === 'json' || output === 'yaml') {
    session.print(renderData(listed.rows, output));
    return;
  }
  if (listed.rows.length === 0) {
    session.note(`No ${kind} pass these filters.`);
    return;
  }
  const { table } = await import('../catalog/tables.ts');
  session.print(table(listed, session.now(), session.width));
}

function uselessFilter(kind: Kind, names: readonly string[]): CliError {
  const flag = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return usageError(
    `${names.map(flag).join(' and ')} does not apply to ${kind}`,
    `${kind} take ${FILTERS[kind].map(flag).join(', ')}.`,
  );
}

async function show(session: Session, id: string, output: Format): Promise<void> {
  const catalog = await catalogOf(session);
  const { find, names, render } = await import('../catalog/show.ts');
  const shown = find(catalog, id);
  if (shown === undefined) {
    throw new CliError(EXIT.notFound, {
      what: `the catalog holds no "${id}"`,
      remedy: [didYouMean(id, names(catalog)) ?? 'See what there is: kriptik catalog list models.'],
    });
  }
  if (output === 'json' || output === 'yaml') session.print(renderData(shown, output));
  else session.print(render(shown, { style: session.style, width: session.width, now: session.now() }));
}

interface CheckOptions {
  readonly strict?: boolean;
  readonly output: Format;
}

async function check(session: Session, { strict, output }: CheckOptions): Promise<void> {
  const [{ DATA, readCatalog }, { overlayPath, readOverlay, withOverlay }, { InvalidCatalog, loadCatalog }] =
    await Promise.all([
      import('@kriptik/operator/catalog/read.ts'),
      import('@kriptik/operator/catalog/overlay.ts'),
      import('@kriptik/operator/catalog/catalog.ts'),
    ]);
  const { checkReferences } = await import('@kriptik/operator/catalog/references.ts');
  const { examine, renderCheck } = await import('../catalog/check.ts');
  const faults: string[] = [];
  const attempt = async <T>(read: () => T | Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof InvalidCatalog)) throw error;
      faults.push(error.message);
      return otherwise;
    }
  };
  const shipped = await attempt(() => readCatalog(DATA), loadCatalog());
  const own = await attempt(() => readOverlay(overlayPath(session.host.env, session.host.home)), undefined);
  const whole = own === undefined ? shipped : withOverlay(shipped, own);
  const report = examine(whole, [...faults, ...checkReferences(whole)], new Date(session.now()));
  if (output === 'json' || output === 'yaml') session.print(renderData(report, output));
  else session.print(renderCheck(report));
  if (report.faults.length > 0) {
    throw new CliError(EXIT.error, {
      what: report.faults.length === 1 ? 'the catalog has a fault' : `the catalog has ${report.faults.length} faults`,
      remedy: ['Correct what is named above; docs/catalog.md tells the form of each row.'],
    });
  }
  if (report.stale.length === 0) return;
  if (strict === true) {
    throw new CliError(EXIT.error, { what: 'prices are older than 30 days', remedy: ['Run: kriptik catalog refresh'] });
  }
  session.note('Prices older than 30 days are marked on plans. To ask for those of today: kriptik catalog refresh');
}
