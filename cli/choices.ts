import type { Tile } from '@kriptik/crds';
import { CliError, usageError } from './errors.ts';
import { EXIT } from './exitcodes.ts';
import { printable } from './render/width.ts';
import { didYouMean } from './suggest.ts';

/** The decisions of a plan, as the command line names them. */
export const TILES = ['model', 'method', 'data', 'gpu', 'budget'] as const;
type TileKey = (typeof TILES)[number];

/** What a person chose: the id of an alternative, or null for the planner's own choice. */
export type Selection = Partial<Record<TileKey, string | null>>;

/** Reads `tile=alternative` words. @throws CliError (usage) for anything else. */
export function parseChoices(words: readonly string[]): Selection {
  const selection: Selection = {};
  for (const word of words) {
    const [tile = '', ...rest] = word.split('=');
    const choice = rest.join('=');
    const key = TILES.find((name) => name === tile.toLowerCase());
    if (key === undefined)
      throw usageError(`"${tile}" is not a tile`, didYouMean(tile, TILES) ?? `Tiles: ${TILES.join(', ')}.`);
    if (choice === '')
      throw usageError(`"${word}" names no alternative`, `Write ${key}=ID; "kriptik describe" lists the ids.`);
    if (selection[key] !== undefined) throw usageError(`${key} is chosen twice`, 'Choose one alternative a tile.');
    selection[key] = choice === 'default' ? null : choice;
  }
  return selection;
}

/** Refuses ids that the plan does not offer, before the cluster is asked. */
export function checkSelection(tiles: readonly Tile[], selection: Selection): void {
  for (const [key, id] of Object.entries(selection)) {
    const tile = tiles.find(({ name }) => name.toLowerCase() === key);
    if (tile === undefined || id === null || id === tile.choice) continue;
    const found = tile.alternatives.find((alternative) => alternative.id === id);
    if (found === undefined) {
      const ids = tile.alternatives.map((alternative) => alternative.id);
      throw new CliError(EXIT.notFound, {
        what: `the ${tile.name} tile has no alternative "${id}"`,
        remedy: [
          didYouMean(id, ids) ??
            (ids.length === 0 ? 'There is nothing else to choose.' : `There are: ${ids.join(', ')}.`),
        ],
      });
    }
    if (!found.available) {
      throw new CliError(EXIT.refused, {
        what: `${tile.name.toLowerCase()}=${id} is not available: ${printable(found.reason ?? 'no reason given')}`,
        remedy: ['Choose another: "kriptik describe" lists what is available.'],
      });
    }
  }
}
