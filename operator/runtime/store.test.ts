import { describe, expect, test } from 'vitest';
import { Store } from './store.ts';
import type { KubeObject } from './types.ts';

interface Widget extends KubeObject {
  readonly colour: string;
}

let version = 0;
const widget = (name: string, colour: string): Widget => {
  version += 1;
  const metadata = { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: `${version}` };
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata, colour };
};
const store = (...widgets: readonly Widget[]): Store<Widget> => {
  const made = new Store<Widget>({ colour: ({ colour }) => [colour] });
  made.replaceAll(widgets);
  return made;
};
const names = (found: readonly Widget[]): readonly string[] => found.map(({ metadata }) => metadata.name);

describe('an index', () => {
  test('follows an object whose value changes', () => {
    const kept = store(widget('a', 'red'), widget('b', 'red'));
    kept.put(widget('a', 'blue'));
    expect(names(kept.byIndex('colour', 'red'))).toEqual(['b']);
    expect(names(kept.byIndex('colour', 'blue'))).toEqual(['a']);
  });

  test('keeps its order when an object changes and its value does not', () => {
    const kept = store(widget('a', 'red'), widget('b', 'red'));
    kept.put(widget('a', 'red'));
    expect(names(kept.byIndex('colour', 'red'))).toEqual(['a', 'b']);
  });

  test('forgets what is removed, and what a full list leaves out', () => {
    const kept = store(widget('a', 'red'), widget('b', 'red'), widget('c', 'red'));
    kept.remove({ namespace: 'shop', name: 'a' });
    kept.replaceAll([widget('c', 'red')]);
    expect(names(kept.byIndex('colour', 'red'))).toEqual(['c']);
  });

  test('counts without looking at the objects', () => {
    const kept = store(widget('a', 'red'), widget('b', 'red'), widget('c', 'blue'));
    expect(['red', 'blue', 'green'].map((colour) => kept.countByIndex('colour', colour))).toEqual([2, 1, 0]);
  });

  test('that does not exist is a mistake, said with those that do', () => {
    expect(() => store().countByIndex('size', '1')).toThrow('no index "size"; there are: ownerUid, colour');
  });
});
