import { ApiError, errorMessage, UnreachableError } from '@kriptik/operator/runtime/errors.ts';
import { CommanderError } from 'commander';
import { CliError } from './errors.ts';
import { EXIT, type ExitCode } from './exitcodes.ts';
import { grantCommands } from './grants.ts';
import { GROUP } from './resources.ts';

/** What is known about the call that failed. */
export interface FailureContext {
  readonly server?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Turns anything thrown into an error that says what, where, and what to do. */
export function explain(error: unknown, context: FailureContext = {}): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ApiError) return explainApi(error, context);
  if (error instanceof UnreachableError) return explainUnreachable(error, context);
  if (error instanceof CommanderError) return explainUsage(error);
  if (error instanceof Error && error.name === 'KubeConfigError') return explainKubeconfig(error);
  if (error instanceof Error && error.name === 'InvalidCatalog') {
    return new CliError(
      EXIT.usage,
      {
        what: `a row of the catalog is not right: ${error.message}`,
        remedy: ['Correct the file, or remove it: the catalog that came with the program is used then.'],
      },
      { cause: error },
    );
  }
  if (error instanceof Error && error.name === 'DirectoryInUse') return explainInUse(error);
  if (error instanceof Error && error.name === 'AbortError') {
    return new CliError(EXIT.interrupted, {
      what: 'interrupted',
      remedy: ['Nothing more was changed. Run the command again to go on.'],
    });
  }
  return explainSystem(error);
}

/** A second "up" over the same data. */
function explainInUse(error: Error): CliError {
  const [, folder, pid] = /runs in (.+), started by process (\d+)/.exec(error.message) ?? [];
  return new CliError(
    EXIT.error,
    {
      what: `another control plane already runs in this folder${pid === undefined ? '' : `, started by process ${pid}`}`,
      where: folder,
      remedy: [
        'Use the one that runs, or stop it with Ctrl-C where it was started;',
        'for a second one of its own: kriptik up --data-dir FOLDER --kubeconfig-out FILE',
      ],
    },
    { cause: error },
  );
}

function explainUsage(error: CommanderError): CliError {
  // A command of commands was named, but none of those below it.
  if (error.code === 'commander.help') {
    return new CliError(EXIT.usage, {
      what: 'the command is not complete',
      remedy: ['Add --help to see what it takes, or see "kriptik help".'],
    });
  }
  const [what = '', ...hints] = error.message.replace(/^error: /, '').split('\n');
  return new CliError(EXIT.usage, {
    what,
    remedy: [
      ...hints.map((hint) => hint.replace(/^\((.*)\)$/, '$1')),
      'See "kriptik help" or add --help to the command.',
    ],
  });
}

function explainUnreachable(error: UnreachableError, context: FailureContext): CliError {
  // The client's messages read "CALL at SERVER: what happened. What to do."
  const [, detail = error.message] = /: (.*)$/s.exec(error.message.replace(/https?:\/\/[^\s]+(?=:)/, 'server')) ?? [];
  if (detail.includes('certificate')) return explainCertificate(detail, error, context);
  return new CliError(
    EXIT.unreachable,
    {
      what: `no API server answered: ${detail.replace(/\.$/, '')}`,
      where: context.server,
      remedy: [
        'Start a control plane on this machine with "kriptik up", or',
        'choose another cluster with --kubeconfig or --context; "kriptik doctor" checks each part.',
      ],
    },
    { cause: error },
  );
}

/** Something answers there, but it is not the API server the kubeconfig was written for. */
function explainCertificate(detail: string, error: UnreachableError, context: FailureContext): CliError {
  const [, what = detail, rest = ''] = /^(.*?[^.])\. (.*)$/s.exec(detail) ?? [];
  return new CliError(
    EXIT.unreachable,
    {
      what: what.replace(/\.$/, ''),
      where: context.server,
      remedy: [
        rest || 'Fetch a new kubeconfig from who runs the cluster.',
        'The one in use may be of an earlier cluster at this address; "kriptik up" prints where its own is.',
      ],
    },
    { cause: error },
  );
}

function explainKubeconfig(error: Error): CliError {
  const [, what = error.message, rest = ''] = /^(.*?[^.])\. (.*)$/s.exec(error.message) ?? [];
  const missing = /does not exist|has no context|no Kubernetes cluster configured/.test(error.message);
  return new CliError(
    missing ? EXIT.notFound : EXIT.error,
    {
      what: what.replace(/\.$/, ''),
      remedy: [rest, 'No cluster yet? "kriptik up" starts one on this machine.'].filter((line) => line !== ''),
    },
    { cause: error },
  );
}

function explainSystem(error: unknown): CliError {
  const { code, path, syscall } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
  const known: Readonly<Record<string, readonly [ExitCode, string, string]>> = {
    ENOENT: [EXIT.notFound, 'no such file or folder', 'Check the path.'],
    EACCES: [EXIT.refused, 'this user may not access the file', 'Fix its permissions, or choose another place.'],
    ENOTDIR: [EXIT.usage, 'a part of this path is a file, a folder was expected', 'Name a folder.'],
    EISDIR: [EXIT.usage, 'this is a folder, a file was expected', 'Name a file.'],
    ENOSPC: [EXIT.error, 'the disk is full', 'Free some space and run the command again.'],
    EADDRINUSE: [EXIT.error, 'the port is taken by another program', 'Choose another port, or stop the other program.'],
  };
  const entry = code === undefined ? undefined : known[code];
  if (entry !== undefined) {
    return new CliError(entry[0], { what: entry[1], where: path ?? syscall, remedy: [entry[2]] }, { cause: error });
  }
  return new CliError(
    EXIT.error,
    {
      what: errorMessage(error),
      remedy: ['This was not expected. Set KRIPTIK_DEBUG=1 to see the stack, and report it with the command you ran.'],
    },
    { cause: error },
  );
}

function explainApi(error: ApiError, context: FailureContext): CliError {
  const build = (code: ExitCode, what: string, remedy: readonly string[], details?: readonly string[]): CliError =>
    new CliError(code, { what, where: objectOf(error) ?? context.server, remedy, details }, { cause: error });
  const denied = /ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: (.*)$/s.exec(error.message);
  if (denied !== null) {
    const [, policy, message = ''] = denied;
    const { what, remedy } = sentences(message);
    return build(
      EXIT.refused,
      what,
      remedy.length > 0 ? remedy : [`The cluster's policy "${policy}" decides this: ask those who own it.`],
    );
  }
  switch (error.status) {
    case 401:
      return build(EXIT.refused, 'the API server does not accept these credentials', [
        'Log in again, or fetch a new kubeconfig; after "kriptik up" use the one it printed.',
      ]);
    case 403:
      return explainForbidden(error, build);
    case 404:
      return explainNotFound(error, build);
    case 409:
      return explainConflict(error, build);
    case 400:
    case 422:
      return build(
        EXIT.usage,
        'the API server refuses the object',
        ['Correct the fields named above; "kubectl explain KIND.FIELD" tells what each may hold.'],
        causesOf(error),
      );
    default:
      return build(EXIT.error, `the API server answered ${error.status} ${error.reason}: ${error.message}`, [
        error.status >= 500 ? 'Try again; if it stays, look at the API server and its etcd.' : 'See the message above.',
      ]);
  }
}

type Build = (code: ExitCode, what: string, remedy: readonly string[], details?: readonly string[]) => CliError;

function explainForbidden(error: ApiError, build: Build): CliError {
  const match =
    /User "([^"]+)" cannot ([\w-]+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(
      error.message,
    );
  if (match === null) return build(EXIT.refused, error.message, ['Ask an administrator of the cluster.']);
  const [, user = '', verb = '', resource = '', group = '', namespace] = match;
  const scope = namespace === undefined ? '' : ` in namespace ${namespace}`;
  return build(EXIT.refused, `user "${user}" lacks the verb "${verb}" on ${resource}${scope}`, [
    'Ask an administrator for it:',
    ...grantCommands({ user, verb, resource: group === '' ? resource : withGroup(resource, group), namespace }),
  ]);
}

/** Splits a policy's message into what is wrong and what to do; commands stand on lines of their own. */
function sentences(message: string): { readonly what: string; readonly remedy: string[] } {
  const text = message.trim().replace(/\s+/g, ' ');
  const [, what = text, rest = ''] = /^(.*?[^.])\. ([A-Z].*)$/s.exec(text) ?? [];
  const command = /^(.*?): (kubectl .*)$/s.exec(rest);
  const remedy = command === null ? [rest] : [`${command[1] ?? ''}:`, command[2] ?? ''];
  return { what: what.replace(/\.$/, ''), remedy: remedy.filter((line) => line !== '') };
}

/** `trainingplans/status` and a group become `trainingplans.GROUP/status`, as kubectl wants it. */
function withGroup(resource: string, group: string): string {
  const [plural = resource, subresource] = resource.split('/');
  return `${plural}.${group}${subresource === undefined ? '' : `/${subresource}`}`;
}

function explainNotFound(error: ApiError, build: Build): CliError {
  const { name, kind } = error.details ?? {};
  if (name !== undefined && name !== '') {
    return build(EXIT.notFound, `${kind ?? 'object'} "${name}" does not exist`, [
      '"kriptik get" lists what there is; check the namespace (-n, or -A for all).',
    ]);
  }
  return build(
    EXIT.error,
    `this cluster does not serve the kinds of ${GROUP}: its CRDs are missing or older than this program`,
    [
      'Install them: kubectl apply --server-side -f "crds/*.yaml"',
      'or let "kriptik up" start a cluster that has them. "kriptik version" compares the versions.',
    ],
  );
}

function explainConflict(error: ApiError, build: Build): CliError {
  const owned = (error.details?.causes ?? []).filter((cause) => cause.reason === 'FieldManagerConflict');
  if (owned.length === 0) {
    return build(EXIT.conflict, 'the object was changed by somebody else at the same time', [
      'Look at it again, then repeat the command.',
    ]);
  }
  return build(
    EXIT.conflict,
    'another manager owns fields that the file also sets',
    ['Take these fields out of the file, or add --force-conflicts to take them over.'],
    owned.map((cause) => `${cause.field ?? ''}: ${cause.message ?? ''}`),
  );
}

function objectOf(error: ApiError): string | undefined {
  const { kind, name } = error.details ?? {};
  return name === undefined || name === '' ? undefined : `${kind ?? 'object'} ${name}`;
}

function causesOf(error: ApiError): string[] {
  const causes = (error.details?.causes ?? []).filter((cause) => (cause.message ?? '') !== '');
  if (causes.length === 0) return [error.message];
  return causes.map(
    (cause) => `${cause.field === undefined || cause.field === '' ? '' : `${cause.field}: `}${cause.message ?? ''}`,
  );
}
