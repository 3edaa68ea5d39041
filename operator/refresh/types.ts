/** Rows of one source, and what it named that the catalog does not know. */
export interface Refreshed<R> {
  readonly rows: readonly R[];
  readonly unknown: readonly string[];
}

/** Why a source gave nothing. The message continues "SOURCE ..."; it never holds a key. */
export class RefreshProblem extends Error {
  override readonly name = 'RefreshProblem';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
