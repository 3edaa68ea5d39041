import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFiles, ROOT, textOf } from './sources.ts';

const pages = projectFiles(/\.md$/);

/** Text without what stands in code: there a bracket is no link. */
const prose = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');

/** The anchors that a renderer makes of the headings of a page. */
function anchorsOf(path: string): Set<string> {
  const headings = [...textOf(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  const slug = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
  return new Set(headings.map(slug));
}

/** What is wrong with a link of a page; undefined when it leads somewhere. */
function faultOf(page: string, link: string): string | undefined {
  if (/^(https?|mailto):/.test(link)) return undefined;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : normalize(join(dirname(page), file));
  if (!existsSync(join(ROOT, target))) return `${page}: ${link} leads nowhere`;
  if (anchor !== undefined && !anchorsOf(target).has(anchor)) return `${page}: ${target} has no section #${anchor}`;
  return undefined;
}

describe('documentation', () => {
  it('has pages', () => {
    expect(pages).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/cli.md', 'docs/spec/README.md']),
    );
  });

  it.each(pages)('%s links only to what is there', (page) => {
    const links = [...prose(textOf(page)).matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = '']) => link);
    expect(links.map((link) => faultOf(page, link)).filter((fault) => fault !== undefined)).toEqual([]);
  });

  it('names only targets that the Makefile has', () => {
    const targets = new Set([...textOf('Makefile').matchAll(/^([a-z][a-z0-9-]*):/gm)].map(([, target]) => target));
    expect(targets).toContain('demo');
    // In documents as code, in messages as what to run.
    const inDocs = pages.flatMap((page) =>
      [...textOf(page).matchAll(/(?:`|^\s*\$? ?)make ([a-z][a-z0-9-]*)/gm)].map(([, target]) => `${page}: ${target}`),
    );
    const inMessages = projectFiles(/^(operator|cli|tools|trainer)\/.*\.(ts|py|sh)$/).flatMap((path) =>
      [...textOf(path).matchAll(/(?:\b[Rr]un |: |")make ([a-z][a-z0-9-]*)/g)].map(([, target]) => `${path}: ${target}`),
    );
    expect(inDocs.length).toBeGreaterThan(5);
    expect(inMessages.length).toBeGreaterThan(3);
    expect([...inDocs, ...inMessages].filter((one) => !targets.has(one.split(': ')[1]))).toEqual([]);
  });
});
