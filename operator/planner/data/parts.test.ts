import type { MethodName, Modality } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { dataChoiceId, readDataChoice } from './choice.ts';
import { languagesOf } from './language.ts';
import { conversionOf } from './mapping.ts';
import { personalData } from './personal.ts';
import { rowsFrom, statedAmount } from './size.ts';
import { splitOf } from './split.ts';
import { judgeAmount } from './sufficiency.ts';

describe('the language a model should know', () => {
  it.each([
    ['Fine-tune a model on our help desk answers.', ['en']],
    ['Wir möchten ein Modell für die Antworten auf der Webseite trainieren', ['de']],
    ['Quiero afinar un modelo para los resúmenes del periódico', ['es']],
    ['Nous voulons un modèle pour les résumés avec notre style', ['fr']],
    ['想微调一个客服模型', ['zh']],
    ['要約モデルをつくりたい', ['ja']],
    ['मुझे एक मॉडल चाहिए', ['hi']],
    ['Teach Whisper to write down Swahili', ['sw']],
    ['A chatbot that answers in German and French', ['de', 'fr']],
    ['xyz', ['en']],
  ])('%s', (text, want) => {
    expect(languagesOf(text)).toEqual(want);
  });
});

describe('an amount told in words', () => {
  it.each([
    ['45 mins clean audio', { minutes: 45 }],
    ['3,000 hours of multitrack recordings', { minutes: 180_000 }],
    ['7 hours of her singing', { minutes: 420 }],
    ['400MB of Python code', { bytes: 4e8 }],
    ['it must be done within 12 hours', {}],
    ['at most 36 hours on two cards', {}],
    ['a card with 24 GB', {}],
  ])('%s', (goalText, want) => {
    expect(statedAmount({ goalText })).toEqual(want);
  });

  it.each([
    [{ minutes: 45 }, 'audio', false, 270],
    [{ minutes: 60 }, 'audio', true, 120],
    [{ bytes: 4096 * 1000 }, 'code', false, 1000],
    [{ bytes: 4096 }, 'image', false, undefined],
    [{}, 'llm', false, undefined],
  ] as const)('%o of %s makes examples', (amount, modality, music, want) => {
    expect(rowsFrom(amount, modality, music)).toBe(want);
  });
});

describe('enough examples or not', () => {
  const of = (modality: Modality, method: MethodName, rows: number, more: object = {}) =>
    judgeAmount({ modality, method, capability: 'chat', rows, ...more });
  it.each([
    ['two pictures of a subject', of('image', 'dreambooth', 2), 'too-few', /2 pictures are too few.*other angles/],
    ['ten pictures of a subject', of('image', 'dreambooth', 10), 'enough', undefined],
    ['two hundred pictures of a subject', of('image', 'dreambooth', 200), 'plenty', /more than help/],
    ['fifteen pictures of a style', of('image', 'lora', 15), 'few', /25 or more would do better/],
    ['a minute of a voice', of('audio', 'voice-clone', 6, { minutes: 1 }), 'too-few', /1 minutes.*record more/],
    ['45 minutes of a voice', of('audio', 'voice-clone', 270, { minutes: 45 }), 'enough', undefined],
    ['a voice of unknown length', of('audio', 'voice-clone', 3), 'enough', undefined],
    ['thirty questions and answers', of('llm', 'qlora', 30), 'too-few', /30 examples are too few/],
    ['180 questions and answers', of('llm', 'lora', 180), 'few', /500 or more/],
    ['2,000 questions and answers', of('llm', 'lora', 2000), 'enough', undefined],
    ['2,000 questions for all weights', of('llm', 'full', 2000), 'few', /use LoRA/],
    ['100 pairs', of('llm', 'dpo', 100), 'too-few', /supervised tuning on the chosen answers/],
    ['8,000 pairs', of('llm', 'dpo', 8000), 'enough', undefined],
    ['a single clip', of('video', 'lora', 1), 'too-few', /cut more short clips/],
  ] as const)('%s', (_name, { verdict, advice }, want, text) => {
    expect(verdict).toBe(want);
    if (text === undefined) expect(advice).toBeUndefined();
    else expect(advice).toMatch(text);
  });
});

describe('rows held out', () => {
  it.each([
    [40, 'llm', 0, 0],
    [180, 'llm', 0, 0],
    [280, 'llm', 28, 0],
    [5000, 'llm', 250, 250],
    [200_000, 'code', 500, 500],
    [500, 'image', 1, 0],
    [270, 'audio', 27, 0],
  ] as const)('of %i %s rows: %i to watch, %i for the end', (rows, modality, evaluation, test) => {
    const split = splitOf(rows, modality, 11);
    expect(split).toMatchObject({ train: rows - evaluation - test, evaluation, test });
    if (evaluation === 0) expect(split.heldOut).toBeUndefined();
    else {
      expect(split.heldOut?.seed).toBe(11);
      expect(Math.round(rows * Number(split.heldOut?.evalShare))).toBe(evaluation);
      expect(Math.round(rows * Number(split.heldOut?.testShare))).toBe(test);
    }
  });
});

describe('columns', () => {
  it.each([
    [['messages'], 'messages'],
    [['instruction', 'input', 'output'], 'messages'],
    [['id', 'question', 'answer'], 'messages'],
    [['prompt', 'chosen', 'rejected', 'source'], 'preference'],
    [['image', 'caption'], 'media-text'],
    [['image'], 'media'],
  ] as const)('%j are read as they are for %s', (columns, target) => {
    expect(conversionOf(columns, target)).toEqual({});
  });

  it.each([
    [['conversations'], 'messages', 'messages', [{ from: 'conversations', to: 'messages' }]],
    [
      ['query', 'response'],
      'messages',
      'prompt-completion',
      [
        { from: 'query', to: 'prompt' },
        { from: 'response', to: 'completion' },
      ],
    ],
    [['Question', 'Response'], 'messages', 'prompt-completion', expect.any(Array)],
    [['dialogue', 'summary'], 'messages', 'prompt-completion', expect.any(Array)],
    [['question', 'preferred', 'dispreferred'], 'preference', 'prompt-chosen-rejected', expect.any(Array)],
    [['audio', 'sentence'], 'media-text', 'audio-text', [{ from: 'sentence', to: 'text' }]],
  ] as const)('%j become %s', (columns, target, to, renamed) => {
    const { mapping, problem } = conversionOf(columns, target);
    expect(mapping).toMatchObject({ to, columns: renamed });
    expect(problem).toMatch(/the trainer does not rename columns yet: write "/);
  });

  it('that nobody knows are told with what the trainer takes', () => {
    expect(conversionOf(['foo', 'bar'], 'preference').problem).toMatch(
      /cannot read the columns foo, bar.*prompt \+ chosen \+ rejected/,
    );
  });
});

describe('an id of the Data tile', () => {
  it.each([['as-planned'], ['epochs-3'], ['dolly-15k'], ['dolly-15k/epochs-2']])(
    '%s is read and written again',
    (id) => {
      expect(dataChoiceId(readDataChoice(id, ['dolly-15k']))).toBe(id);
    },
  );

  it.each([
    ['epochs-4'],
    ['other-set'],
    ['dolly-15k/epochs-9'],
    ['dolly-15k/epochs-2/x'],
    ['dolly-15k/as-planned'],
    [''],
  ])('%s is refused with the valid ones', (id) => {
    expect(() => readDataChoice(id, ['dolly-15k'])).toThrow('spec.selection.data');
  });
});

describe('personal data', () => {
  it.each([
    ['Answer like our past customer e-mails', 'chat', /messages of customers.*Replace names/],
    ['Write discharge letters from patient records', 'text-generation', /health \(GDPR art\. 9\)/],
    ['Kinderzeichnungen und Fotos der Kinder', 'text-to-image', /children.*guardians/],
    ['clone my own voice', 'voice-clone', /faces or voices/],
    ['Sort applicants by their CVs', 'classification', /employees or applicants/],
  ])('%s: a warning', (goalText, capability, want) => {
    expect(personalData({ goalText, capability }, []).warnings.join(' ')).toMatch(want);
  });

  it.each([
    ['Write SQL for our data warehouse', 'text-to-sql'],
    ['Pixel art icons for a game', 'text-to-image-style'],
  ])('%s: none', (goalText, capability) => {
    expect(personalData({ goalText, capability }, [])).toEqual({ kinds: [], warnings: [] });
  });
});
