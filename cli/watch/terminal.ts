import type { Output } from '../host.ts';

/** Repaints a block of lines in place, on the alternate screen, with the cursor hidden. */
export class LiveScreen {
  readonly #output: Output;
  #open = false;

  constructor(output: Output) {
    this.#output = output;
  }

  draw(lines: readonly string[]): void {
    const enter = this.#open ? '' : '\u001b[?1049h\u001b[?25l';
    this.#open = true;
    // Each line erases what was behind it: clearing the whole screen first would flicker.
    this.#output.write(`${enter}\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#output.write('\u001b[?25h\u001b[?1049l');
  }
}
