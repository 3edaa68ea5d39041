import { describe, expect, it } from 'vitest';
import { catalog } from '../../planner/test-builders.ts';
import { readOffline } from './parser.ts';

describe('terms that exclude each other', () => {
  it.each([
    ['a LoRA for Mistral 7B on 2k mails, but no adapters, all parameters must change', 'spec.constraints.method'],
    ['the base must be Mistral 7B and it must also be Qwen3 8B, 2k mails', 'spec.constraints.model'],
    ['Mistral 7B on 2k mails, at least 20 epochs but no more than 5 epochs', 'spec.goal'],
    ['a support bot on Qwen2.5 7B; we have no data, and nobody can write any', 'spec.data'],
    ['no data may leave our network; Qwen2.5 7B on 2k mails, then publish the dataset', 'spec.constraints'],
    ['Qwen2.5 72B as a support bot on 3 million chats, at most $20', 'spec.budget.limit'],
    ['train a 13B language model on 500 billion tokens, deadline tomorrow', 'spec.constraints.deadline'],
    ['train a 13B language model on 500 billion tokens for $900', 'spec.budget.limit'],
    ['FLUX.1-dev on our shoes, Apache licence only', 'spec.constraints.licenses'],
  ])('are asked about: "%s"', (text, field) => {
    const { conflict, questions } = readOffline(text, catalog);
    expect({ conflict, fields: questions.map((question) => question.field) }).toEqual({
      conflict: true,
      fields: [field],
    });
  });

  it.each([
    'full fine-tuning or LoRA for Mistral 7B on 2k mails? all weights would be nice',
    'must use Mistral 7B, compared with Qwen3 8B, 2k mails',
    'Mistral 7B on 2k mails, at least 3 epochs and at most 10 epochs',
    'no data leaves our servers; Llama 3.1 8B on our cluster with 4k tickets',
    'continue pretraining SmolLM2 1.7B on 300 million tokens of law within 3 days',
    'FLUX.1-schnell on our shoes, Apache licence only',
    'we left AWS and have 4 H100 on-prem; Llama 3.1 8B on 50k tickets',
  ])('are not seen in "%s"', (text) => {
    expect(readOffline(text, catalog).conflict).toBe(false);
  });
});

describe('what a model is trained with', () => {
  it.each([
    ['DeBERTa-v3-base sorts our tickets, 12k labelled', ['full', 'lora']],
    ['mT5-small writes headlines, 100k articles', ['full', 'lora']],
    ['mT5-xxl writes headlines, 100k articles', ['qlora', 'lora']],
    ['Qwen2.5 0.5B writes headlines, 100k articles', ['qlora', 'lora']],
  ])('suits its size: "%s"', (text, methods) => {
    expect(readOffline(text, catalog).methods).toEqual(methods);
  });

  it.each([
    ['ControlNet for SDXL from 30k depth maps', 'sdxl'],
    ['an IP-Adapter for FLUX.1-dev from 15k portraits', 'flux.1-dev'],
    ['PEGASUS-large summarises our reports', 'pegasus-large'],
  ])('is the base model: "%s"', (text, model) => {
    expect(readOffline(text, catalog).model).toBe(model);
  });

  it.each([
    ['Llama 3 8B on our tickets, one 24 GB card', null],
    ['Llama 3 8B on 24 GB of tickets', '24 gb'],
  ])('has a size of its own: "%s"', (text, size) => {
    expect(readOffline(text, catalog).datasetSize).toBe(size);
  });
});
