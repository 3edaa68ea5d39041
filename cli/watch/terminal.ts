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
    // Shown as one (DEC mode 2026) where the terminal knows how; others ignore it.
    const [begin, end] = ['\u001b[?2026h', '\u001b[?2026l'];
    // Each line erases what was behind it: clearing the whole screen first would flicker.
    this.#output.write(`${enter}${begin}\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J${end}`);
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#output.write('\u001b[?25h\u001b[?1049l');
  }
}
