import { describe, expect, it } from 'vitest';
import { chooseSource, type Source, type SourceFacts, sourceFacts } from './source.ts';

const BARE: SourceFacts = {
  requested: 'auto',
  kubeconfig: undefined,
  kindInstalled: () => false,
  dockerAnswers: () => false,
};

interface Choice {
  readonly facts: Partial<SourceFacts>;
  readonly want: Source;
}

describe('the source of a control plane', () => {
  it.each<[string, Choice]>([
    ['is our own on a bare machine', { facts: {}, want: 'embedded' }],
    ['is our own where kind has no engine', { facts: { kindInstalled: () => true }, want: 'embedded' }],
    ['is our own where an engine has no kind', { facts: { dockerAnswers: () => true }, want: 'embedded' }],
    [
      'is kind where it has an engine',
      { facts: { kindInstalled: () => true, dockerAnswers: () => true }, want: 'kind' },
    ],
    [
      'is the given cluster before kind',
      { facts: { kubeconfig: '/k', kindInstalled: () => true, dockerAnswers: () => true }, want: 'kubeconfig' },
    ],
    [
      'is our own when that is forced, whatever is given',
      { facts: { requested: 'embedded', kubeconfig: '/k' }, want: 'embedded' },
    ],
  ])('%s', (_name, { facts, want }) => {
    expect(chooseSource({ ...BARE, ...facts })).toBe(want);
  });

  it.each<[string, SourceFacts['requested'], RegExp]>([
    ['KUBECONFIG is not set', 'kubeconfig', /KUBECONFIG is not set/],
    ['kind is not installed', 'kind', /not on PATH/],
  ])('is refused with a remedy when forced although %s', (_name, requested, message) => {
    expect(() => chooseSource({ ...BARE, requested })).toThrow(message);
  });

  it('is refused when the variable holds a word we do not know', () => {
    expect(() => chooseSource(sourceFacts(undefined, { KRIPTIK_CONTROLPLANE: 'minikube' }))).toThrow(
      /"minikube"; use auto/,
    );
  });

  it('does not ask Docker when KUBECONFIG is given', () => {
    const dockerAnswers = () => {
      throw new Error('asked');
    };
    expect(chooseSource({ ...BARE, kubeconfig: '/k', kindInstalled: () => true, dockerAnswers })).toBe('kubeconfig');
  });
});
