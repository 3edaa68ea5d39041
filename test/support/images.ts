import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';
import { type Archive, writeArchive, writeLayer } from '@kriptik/tools/controlplane/images/archive.ts';
import { waitForLock } from '@kriptik/tools/controlplane/processes/lock.ts';

const run = promisify(execFile);
const TRAINER = join(import.meta.dirname, '..', '..', 'trainer');

/** Where the image looks for the trainer's Python packages. */
const PACKAGES = '/opt/trainer';
/** Where the image holds the trainer itself. */
export const SOURCE = '/opt/kriptik';
/** Where the image looks for what was fetched once. */
const CACHE = '/var/cache/kriptik';

/** A folder of this machine that pods of the image need to see; the shape of ComputeProvider.spec.kubernetes.volumes. */
export interface HostVolume {
  readonly name: string;
  readonly hostPath: string;
  readonly mountPath: string;
  readonly readOnly: true;
}

/** The trainer as an image. */
export interface TrainerImage extends Archive {
  /** What a pod needs beside the image: fetched models, and the packages where they are not in it. */
  readonly volumes: readonly HostVolume[];
}

/**
 * Builds the image of the trainer of this tree, or takes it from the cache. The image holds Python, the libraries it
 * needs and the trainer. The packages, 1.8 GB, are mounted from this machine, unless `packages` is `layer`: then the
 * image is whole and can be pushed to a registry. `python -m kriptik_trainer` runs in it as any user.
 */
export async function trainerImage({
  packages = 'mounted',
}: {
  packages?: 'mounted' | 'layer';
} = {}): Promise<TrainerImage> {
  const python = await interpreter();
  const folder = join(cacheRoot(process.env), 'images');
  mkdirSync(folder, { recursive: true });
  const models = join(cacheRoot(process.env), 'models');
  mkdirSync(models, { recursive: true });
  const volumes: HostVolume[] = [{ name: 'models', hostPath: models, mountPath: `${CACHE}/models`, readOnly: true }];
  if (packages === 'mounted') {
    volumes.push({ name: 'packages', hostPath: python.prefix, mountPath: PACKAGES, readOnly: true });
  }
  const lock = await waitForLock(join(folder, 'trainer.lock'), () => {});
  try {
    const base = await layerOf(folder, 'python', [python.base, ...libraryFacts(python.libraries)], (root) =>
      baseTree(root, python),
    );
    const trainer = await layerOf(folder, 'source', sourceFacts(), (root) => sourceTree(root, python));
    const whole =
      packages === 'layer'
        ? [await layerOf(folder, 'packages', [python.prefix], (root) => packagesTree(root, python))]
        : [];
    const layers = [base, ...whole, trainer];
    const path = join(folder, `trainer-${digestOf([...layers, JSON.stringify(CONFIG)])}.tar`);
    const note = `${path}.json`;
    if (!existsSync(note)) {
      const archive = await writeArchive(path, { name: 'kriptik.local/trainer:test', layers, config: CONFIG });
      writeFileSync(note, JSON.stringify(archive));
      removeOld(folder, [...layers, path]);
    }
    return { ...(JSON.parse(readFileSync(note, 'utf8')) as Archive), volumes };
  } finally {
    lock.release();
  }
}

const CONFIG = {
  Env: [
    `PATH=${PACKAGES}/bin:/usr/bin:/bin`,
    `PYTHONPATH=${SOURCE}`,
    'PYTHONDONTWRITEBYTECODE=1',
    `KRIPTIK_CACHE=${CACHE}`,
    'HOME=/tmp',
    'USER=kriptik',
    'LANG=C.UTF-8',
  ],
  User: '1000:1000',
  WorkingDir: '/tmp',
  Cmd: ['python', '-m', 'kriptik_trainer'],
};

interface Interpreter {
  /** Of the virtual environment. */
  readonly prefix: string;
  /** Of the Python it was made with. */
  readonly base: string;
  /** Libraries of the system that any of it is linked with. */
  readonly libraries: readonly string[];
}

/** What a wheel for Linux may take from the system (the manylinux policy), without the parts for screens. */
const WHEEL_LIBRARIES = [
  'libstdc\\+\\+.so.6',
  'libgcc_s.so.1',
  'libm.so.6',
  // Of the C library, and needed by wheels with vector mathematics (soundfile).
  'libmvec.so.1',
  'libdl.so.2',
  'librt.so.1',
  'libpthread.so.0',
  'libutil.so.1',
];

const DESCRIBE = `import json, sys; print(json.dumps({"prefix": sys.prefix, "base": sys.base_prefix}))`;

/** The trainer's interpreter, installed if it is not there. */
async function interpreter(): Promise<Interpreter> {
  const installed = await run(join(TRAINER, 'install.sh'), [], { maxBuffer: 64 * 1024 * 1024 });
  const python = installed.stdout.trim().split('\n').at(-1) ?? '';
  const { prefix, base } = JSON.parse((await run(python, ['-c', DESCRIBE])).stdout) as { prefix: string; base: string };
  const modules = globSync(join(base, 'lib', 'python3*', 'lib-dynload', '*.so')).filter(
    (path) => !path.includes('_tkinter'),
  );
  const linked = await run('ldd', [realpathSync(python), '/bin/sh', ...modules], { maxBuffer: 16 * 1024 * 1024 });
  const known = await run('/sbin/ldconfig', ['-p'], { maxBuffer: 16 * 1024 * 1024 });
  const ofWheels = WHEEL_LIBRARIES.flatMap((name) => known.stdout.match(`\\s${name} .* => (/\\S+)`)?.[1] ?? []);
  const ofPython = [...linked.stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].flatMap((match) => match[1] ?? []);
  const libraries = [...new Set([...ofPython, ...ofWheels])].filter((path) => !path.startsWith(`${base}/`));
  return { prefix, base, libraries: libraries.sort() };
}

/** Python without what only building and testing it need, the libraries, a shell, and the users. */
async function baseTree(root: string, python: Interpreter): Promise<void> {
  const { base, libraries } = python;
  const dropped = /\/(test|tests|site-packages|idlelib|tkinter|ensurepip|__pycache__|config-[^/]*|include|share)$|\.a$/;
  cpSync(base, join(root, base), { recursive: true, verbatimSymlinks: true, filter: (path) => !dropped.test(path) });
  for (const path of [...libraries, '/bin/sh']) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    // The file itself, where the name is a link.
    copyFileSync(path, join(root, path));
  }
  mkdirSync(join(root, 'tmp'));
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0::/:/bin/sh\nkriptik:x:1000:1000::/tmp:/bin/sh\n');
  writeFileSync(join(root, 'etc', 'group'), 'root:x:0:\nkriptik:x:1000:\n');
  await compile(python, root, base);
}

/** By the step of trainer/Containerfile. */
async function sourceTree(root: string, python: Interpreter): Promise<void> {
  const program = join(python.prefix, 'bin', 'python');
  await run(program, ['-B', join(TRAINER, 'image.py'), 'source', join(root, SOURCE)]);
  await compile(python, root, SOURCE);
}

/**
 * Compiles a folder of the image: pods may write nothing, so each would do it anew. Not by the time of files, which the
 * layer sets.
 */
async function compile({ prefix }: Interpreter, root: string, folder: string): Promise<void> {
  const how = ['-m', 'compileall', '-q', '-j', '0', '--invalidation-mode', 'unchecked-hash'];
  await run(join(prefix, 'bin', 'python'), [...how, '-s', root, '-p', '/', join(root, folder)]);
}

function packagesTree(root: string, { prefix }: Interpreter): void {
  const dropped = /\/(torch\/include|tests)$|\.a$/;
  cpSync(prefix, join(root, PACKAGES), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !dropped.test(path),
  });
}

/** Part of what names a layer in the cache: to be raised when the trees above are filled in another way. */
const RECIPE = '5';

/** A layer from the cache, or made now: `facts` decide its content. */
async function layerOf(
  folder: string,
  name: string,
  facts: readonly string[],
  fill: (root: string) => Promise<void> | void,
): Promise<string> {
  const path = join(folder, `${name}-${digestOf([RECIPE, ...facts])}.layer.tar`);
  if (existsSync(path)) return path;
  const work = mkdtempSync(join(folder, '.layer-'));
  try {
    const root = join(work, 'root');
    mkdirSync(root);
    await fill(root);
    await writeLayer(join(work, 'layer.tar'), root);
    await run('mv', [join(work, 'layer.tar'), path]);
    return path;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Of each kind of file only those in use stay: a change of the trainer would else add an image each time. */
function removeOld(folder: string, used: readonly string[]): void {
  const day = 24 * 60 * 60 * 1000;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const kept = used.some((other) => path.startsWith(other)) || Date.now() - statSync(path).mtimeMs < day;
    if (!kept) rmSync(path, { recursive: true, force: true });
  }
}

/** What decides the content of the trainer's layer: names and contents. */
function sourceFacts(): string[] {
  const folder = join(TRAINER, 'kriptik_trainer');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return files.flatMap((path) => [path.slice(folder.length), readFileSync(path, 'utf8')]);
}

function libraryFacts(libraries: readonly string[]): string[] {
  return libraries.map((path) => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`);
}

function digestOf(facts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16);
}
