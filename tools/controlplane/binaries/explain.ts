/** A build that cannot succeed as things are: `message` says what is wrong and what to do. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

const WITHOUT_BUILD =
  'Or use a cluster you have: set KUBECONFIG, or point KUBEBUILDER_ASSETS at a folder with the programs.';

interface Cause {
  readonly pattern: RegExp;
  readonly explain: (match: RegExpMatchArray, context: BuildContext) => string;
}

/** What an explanation may name. */
export interface BuildContext {
  readonly program: string;
  readonly goVersionWanted: string;
  readonly cache: string;
}

// The first match wins, so the more telling causes come first.
const CAUSES: readonly Cause[] = [
  {
    pattern: /no space left on device|disk quota exceeded/i,
    explain: (_match, { cache }) =>
      `the disk is full. A first build needs about 10 GB free for Go's module and build caches (see \`go env GOMODCACHE GOCACHE\`) and 0.5 GB in ${cache}. Free some space (\`go clean -cache\`) and run again.`,
  },
  {
    pattern: /requires go >= (\S+) \(running go ([^;)]+)/,
    explain: (match) =>
      `Go ${match[2]} is too old, ${match[1]} or newer is needed. Install it from https://go.dev/dl, or allow Go to fetch it: unset GOTOOLCHAIN.`,
  },
  {
    pattern: /invalid go version '([^']+)'/,
    explain: (_match, { goVersionWanted }) =>
      `the installed Go is too old to read go.mod; ${goVersionWanted} or newer is needed: https://go.dev/dl.`,
  },
  {
    pattern: /SECURITY ERROR|checksum mismatch/,
    explain: () =>
      'a module does not have the content that go.sum pins. Do not go on: look at GOPROXY (`go env GOPROXY`); `go clean -modcache` removes a damaged download.',
  },
  {
    pattern:
      /dial tcp|no such host|i\/o timeout|connection (refused|reset)|TLS handshake|network is unreachable|EOF$/im,
    explain: () =>
      'the Go module proxy cannot be reached. Check the network, or set GOPROXY to a proxy of yours (`go env GOPROXY` shows the present one).',
  },
  {
    pattern: /C compiler "([^"]+)" not found/,
    explain: (match) => `it needs a C compiler, and there is no ${match[1]}. Install gcc, or name another one in CC.`,
  },
  {
    pattern: /signal: killed|out of memory|cannot allocate memory/i,
    explain: () => 'the compiler ran out of memory. About 4 GB are needed; close other programs or set GOFLAGS=-p=1.',
  },
];

/** Turns the output of a failed `go build` into an error with a remedy. */
export function explainBuildFailure(output: string, context: BuildContext): BuildError {
  for (const { pattern, explain } of CAUSES) {
    const match = output.match(pattern);
    if (match) return new BuildError(`Cannot build ${context.program}: ${explain(match, context)}\n${WITHOUT_BUILD}`);
  }
  const tail = output.trim().split('\n').slice(-20).join('\n');
  return new BuildError(`Cannot build ${context.program}: \`go build\` failed:\n${tail}\n${WITHOUT_BUILD}`);
}

/** The error for a machine without Go. */
export function goMissing(context: BuildContext): BuildError {
  return new BuildError(
    `Cannot build ${context.program}: there is no \`go\` on PATH. Install Go ${context.goVersionWanted} or newer from https://go.dev/dl and run again.\n${WITHOUT_BUILD}`,
  );
}
