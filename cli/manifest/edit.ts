import { isScalar, parseAllDocuments, Scalar } from 'yaml';

/**
 * Sets the budget's limit of a goal inside the text of a file and leaves everything else, comments included, as it is.
 * Undefined when the text holds no goal of that name.
 *
 * @param limit decimal US dollars
 */
export function withLimit(text: string, goal: string, limit: string): string | undefined {
  const documents = [...parseAllDocuments(text)];
  const document = documents.find(
    (one) => one.getIn(['kind']) === 'TrainingGoal' && one.getIn(['metadata', 'name']) === goal,
  );
  if (document === undefined) return undefined;
  const node: unknown = document.getIn(['spec', 'budget', 'limit'], true);
  const range = isScalar(node) ? node.range : undefined;
  if (range !== undefined && range !== null) return `${text.slice(0, range[0])}"${limit}"${text.slice(range[1])}`;
  const value = new Scalar(limit);
  value.type = Scalar.QUOTE_DOUBLE;
  document.setIn(['spec', 'budget', 'limit'], value);
  return documents.map((one) => one.toString({ lineWidth: 0 })).join('');
}
