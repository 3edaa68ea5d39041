import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { KubeClient } from '@kriptik/operator/runtime/rest.ts';
import type { Connection, connect } from './connection.ts';
import type { Host } from './host.ts';
import { makeStyle, type Style, wantsColor, wantsUnicode } from './render/style.ts';

/** Options that every command understands. */
export interface GlobalOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly quiet?: boolean;
  /** False with `--no-color`. */
  readonly color?: boolean;
  /** Seconds one call to the API server may take. */
  readonly requestTimeout?: number;
}

/** Owner of every field this program writes. */
export const FIELD_MANAGER = 'kriptik-cli';

/** The kubeconfig that `kriptik up` writes when no other place is given. */
export function embeddedKubeconfig(home: string): string {
  return join(home, '.kriptik', 'kubeconfig');
}

/**
 * Which kubeconfig is meant: the option, `KUBECONFIG` (undefined: left to the loader), `~/.kube/config`, and only where
 * none of these exists the one that `kriptik up` wrote.
 */
export function chooseKubeconfig(options: GlobalOptions, host: Pick<Host, 'env' | 'home' | 'cwd'>): string | undefined {
  if (options.kubeconfig !== undefined) return resolve(host.cwd, options.kubeconfig);
  if ((host.env['KUBECONFIG'] ?? '') !== '') return undefined;
  const embedded = embeddedKubeconfig(host.home);
  return !existsSync(join(host.home, '.kube', 'config')) && existsSync(embedded) ? embedded : undefined;
}

/** Whether anything names a cluster; without, there is no use in loading a client for one. */
export function hasKubeconfig(options: GlobalOptions, host: Pick<Host, 'env' | 'home' | 'cwd'>): boolean {
  return (
    options.context !== undefined ||
    (host.env['KUBECONFIG'] ?? '') !== '' ||
    (host.env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' ||
    chooseKubeconfig(options, host) !== undefined ||
    existsSync(join(host.home, '.kube', 'config'))
  );
}

/** One run of the program: where it prints, how, and the cluster it talks to (connected on first use). */
export class Session {
  readonly host: Host;
  readonly options: GlobalOptions;
  /** Style of standard output, and of the messages beside it. */
  readonly style: Style;
  readonly errorStyle: Style;
  #connector: typeof connect | undefined;
  #connection: Connection | undefined;

  /** Without a connector the session is one of a command that never asks a cluster. */
  constructor(host: Host, options: GlobalOptions, connector?: typeof connect) {
    this.host = host;
    this.options = options;
    this.#connector = connector;
    const styleFor = (isTTY: boolean): Style =>
      makeStyle({
        color: options.color !== false && wantsColor({ isTTY, env: host.env }),
        unicode: wantsUnicode(host),
      });
    this.style = styleFor(host.stdout.isTTY);
    this.errorStyle = styleFor(host.stderr.isTTY);
  }

  get client(): KubeClient {
    return this.#connect().client;
  }

  /** The namespace asked for, else the context's, else `default`. */
  get namespace(): string {
    return this.options.namespace ?? this.#connect().namespace;
  }

  /** Name of the kubeconfig context in use. */
  get context(): string {
    return this.#connect().context;
  }

  /** Names of all contexts of the kubeconfig. */
  get contexts(): readonly string[] {
    return this.#connect().contexts;
  }

  /** Address of the API server once a command has connected. */
  get server(): string | undefined {
    return this.#connection?.client.server;
  }

  /** Cells of a line; generous where output goes to a file. */
  get width(): number {
    return this.host.stdout.isTTY ? this.host.stdout.columns : 100;
  }

  now(): number {
    return this.host.clock.now();
  }

  /** What the command was asked for, to standard output. */
  print(lines: string | readonly string[]): void {
    const text = typeof lines === 'string' ? lines : lines.join('\n');
    this.host.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Remarks for a person, to standard error; silent with --quiet. */
  note(text: string): void {
    if (this.options.quiet !== true) this.host.stderr.write(`${text}\n`);
  }

  /** Lets a command connect that was not declared to need a cluster. */
  useConnector(connector: typeof connect): void {
    this.#connector ??= connector;
  }

  async close(): Promise<void> {
    await this.#connection?.client.close();
  }

  #connect(): Connection {
    if (this.#connection === undefined) {
      if (this.#connector === undefined) throw new Error('this command was declared to need no cluster');
      this.#connection = this.#connector(chooseKubeconfig(this.options, this.host), this.options, this.host);
    }
    return this.#connection;
  }
}
