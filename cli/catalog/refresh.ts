import { loadCatalog } from '@kriptik/operator/catalog/catalog.ts';
import { findModel } from '@kriptik/operator/catalog/lookup.ts';
import { overlayPath, readOverlay, withOverlay, writeOverlay } from '@kriptik/operator/catalog/overlay.ts';
import { hubFrom } from '@kriptik/operator/hub/config.ts';
import { refresh, SOURCES, type SourceReport } from '@kriptik/operator/refresh/refresh.ts';
import { RUNPOD_URL } from '@kriptik/operator/refresh/runpod.ts';
import type { RefreshOptions } from '../commands/catalog.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { renderData } from '../output.ts';
import type { Session } from '../session.ts';
import { didYouMean } from '../suggest.ts';

/** Asks the sources, writes what they gave, and tells what became of each. */
export async function runRefresh(session: Session, options: RefreshOptions): Promise<void> {
  const { env, home, signal } = session.host;
  const path = overlayPath(env, home);
  const overlay = (await readOverlay(path)) ?? { prices: [], models: [] };
  const shipped = loadCatalog();
  const catalog = withOverlay(shipped, overlay);
  const only = options.model === undefined ? undefined : findModel(catalog, options.model);
  if (options.model !== undefined && only === undefined) {
    const ids = catalog.models.flatMap(({ id, hub }) => [id, hub]);
    throw new CliError(EXIT.notFound, {
      what: `the catalog holds no model "${options.model}"`,
      remedy: [didYouMean(options.model, ids) ?? 'See what there is: kriptik catalog list models.'],
    });
  }
  const timeoutMs = options.timeout * 1000;
  const sources = options.source === undefined ? (only === undefined ? SOURCES : ['hub' as const]) : [options.source];
  const done = await refresh({
    catalog,
    overlay,
    sources,
    models: only === undefined ? catalog.models : [only],
    hub: hubFrom(env, { now: () => session.now(), timeoutMs }),
    runpod: { url: env['RUNPOD_API_URL'] || RUNPOD_URL, key: env['RUNPOD_API_KEY'], timeoutMs, signal },
    today: new Date(session.now()).toISOString().slice(0, 10),
  });
  const failed = done.reports.filter(({ result }) => result === 'failed');
  if (failed.length < done.reports.length) await save(path, done.overlay);
  if (options.output === 'json' || options.output === 'yaml') {
    session.print(renderData({ file: path, sources: done.reports }, options.output));
  } else session.print(done.reports.flatMap(lines));
  if (failed.length > 0) {
    throw new CliError(EXIT.error, {
      what: `${failed.map(({ source }) => source).join(' and ')} could not be refreshed`,
      details: failed.map(({ source, problem }) => `${source} ${problem?.message ?? ''}`),
      remedy: [...failed.map(({ problem }) => problem?.remedy ?? ''), 'What was known before stays in use.'],
    });
  }
  session.note(`Kept in ${path}. Modal publishes no price list for programs: its rows keep their date.`);
}

async function save(path: string, overlay: Parameters<typeof writeOverlay>[1]): Promise<void> {
  try {
    await writeOverlay(path, overlay);
  } catch (error) {
    throw new CliError(
      EXIT.error,
      {
        what: 'what was refreshed cannot be kept',
        where: path,
        remedy: ['Name a file that can be written with KRIPTIK_CATALOG.'],
      },
      { cause: error },
    );
  }
}

const MOST = 10;

function lines({ source, result, rows, changed, unknown }: SourceReport): string[] {
  const shown = unknown.slice(0, MOST).map((text) => `  - ${text}`);
  return [
    result === 'failed' ? `${source}: failed` : `${source}: ${rows} rows, ${changed} of them changed`,
    ...shown,
    ...(unknown.length > MOST ? [`  - and ${unknown.length - MOST} more (-o json)`] : []),
  ];
}
