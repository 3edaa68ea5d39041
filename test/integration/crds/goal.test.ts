import { expect, it } from 'vitest';
import { useCluster } from '../../support/controlplane.ts';
import { type Changes, edit } from './edit.ts';
import { expectAccepted, expectRefused, writer } from './harness.ts';
import { validGoal } from './valid.ts';

const cluster = useCluster('goal');
const dryRun = () => writer(cluster().client, cluster().namespace, true);

const good: readonly (readonly [string, Changes])[] = [
  ['text and nothing else', { spec: { goal: 'Train a small help desk assistant for at most $5.' } }],
  ['the longest name', { 'metadata.name': 'a'.repeat(45) }],
  ['a text of 20,000 characters', { 'spec.goal': 'x'.repeat(20_000) }],
  ['a limit of one millionth of a dollar', { 'spec.budget.limit': '0.000001' }],
  ['the highest limit', { 'spec.budget.limit': '999999999.999999' }],
  ['a budget with the thresholds left out', { 'spec.budget': { limit: '20' } }],
  ['a deadline in minutes', { 'spec.constraints.deadline': '90m' }],
  ['steps instead of epochs', { 'spec.constraints.epochs': undefined, 'spec.constraints.maxSteps': 100 }],
  ['DreamBooth on images', { 'spec.constraints.modality': 'image', 'spec.constraints.method': 'dreambooth' }],
  ['LoRA on video', { 'spec.constraints.modality': 'video' }],
  ['voice cloning on audio', { 'spec.constraints.modality': 'audio', 'spec.constraints.method': 'voice-clone' }],
  ['data over https', { 'spec.data[0].uri': 'https://example.com/faq.jsonl' }],
  ['data on a volume', { 'spec.data[0].uri': 'pvc://claim/faq.jsonl' }],
  ['data in a bucket, pinned to a version', { 'spec.data[0]': { uri: 's3://bucket/faq.csv', revision: '3' } }],
  ['a forge on this machine', { 'spec.approval.repository.url': 'http://127.0.0.1:3000/acme/models' }],
  ['Slack through an incoming webhook', { 'spec.notify': [{ channel: 'slack', credentialsRef: { name: 'slack' } }] }],
];

it.each(good)('takes %s', async (_name, changes) => {
  expectAccepted(await dryRun().create(edit(validGoal(), changes)));
});

const modality = (value: string, method: string): Changes => ({
  'spec.constraints.modality': value,
  'spec.constraints.method': method,
});

const bad: readonly (readonly [string, Changes, ...string[]])[] = [
  ['no spec', { spec: undefined }, 'spec: Required value'],
  ['no text', { 'spec.goal': undefined }, 'spec.goal: Required value'],
  ['an empty text', { 'spec.goal': '' }, 'spec.goal', 'should be at least 1 chars long'],
  ['a blank text', { 'spec.goal': ' \n ' }, 'spec.goal', 'goal may not be blank: say in a sentence or two'],
  ['a text that is too long', { 'spec.goal': 'x'.repeat(20_001) }, 'spec.goal: Too long: may not be more than 20000'],
  [
    'a name too long to derive others from',
    { 'metadata.name': 'a'.repeat(46) },
    'at most 45 characters',
    'plans and jobs',
  ],
  ['a name with a dot', { 'metadata.name': 'help.desk' }, 'lower-case letters, digits and hyphens'],
  ['a misspelt field', { 'spec.budgt': { limit: '5' } }, 'unknown field "spec.budgt"'],
  ['a budget without a limit', { 'spec.budget': {} }, 'spec.budget.limit: Required value'],
  ['a budget of zero', { 'spec.budget.limit': '0.00' }, 'spec.budget.limit', 'above 0'],
  ['a negative budget', { 'spec.budget.limit': '-5' }, 'spec.budget.limit', 'above 0, written as a quoted decimal'],
  ['a budget with a currency sign', { 'spec.budget.limit': '$5' }, 'spec.budget.limit', 'such as "12.50"'],
  ['a budget with a comma', { 'spec.budget.limit': '1,000' }, 'spec.budget.limit', 'such as "12.50"'],
  ['a budget with an exponent', { 'spec.budget.limit': '1e9' }, 'spec.budget.limit', 'such as "12.50"'],
  ['a budget with seven decimals', { 'spec.budget.limit': '1.0000001' }, 'spec.budget.limit', 'at most six decimals'],
  ['a budget that is a number', { 'spec.budget.limit': 5 }, 'spec.budget.limit', 'must be of type string'],
  ['a budget in another currency', { 'spec.budget.currency': 'EUR' }, 'spec.budget.currency: Unsupported value: "EUR"'],
  [
    'an alert after the warning',
    { 'spec.budget.alertAt': 96 },
    'spec.budget.alertAt',
    'alertAt must be lower than warnAt',
  ],
  ['an alert at the warning', { 'spec.budget.alertAt': 95 }, 'spec.budget.alertAt', 'the alert comes before'],
  ['an alert at nothing spent', { 'spec.budget.alertAt': 0 }, 'spec.budget.alertAt', 'greater than or equal to 1'],
  ['a warning at the limit', { 'spec.budget.warnAt': 100 }, 'spec.budget.warnAt', 'less than or equal to 99'],
  [
    'an unknown modality',
    { 'spec.constraints.modality': 'smell' },
    'spec.constraints.modality: Unsupported value: "smell"',
  ],
  ['an unknown method', { 'spec.constraints.method': 'magic' }, 'spec.constraints.method: Unsupported value: "magic"'],
  [
    'DreamBooth on a language model',
    modality('llm', 'dreambooth'),
    'spec.constraints.method',
    'dreambooth trains image models',
    'lora for modality llm',
  ],
  ['textual inversion on audio', modality('audio', 'textual-inversion'), 'textual-inversion trains image models'],
  ['voice cloning on images', modality('image', 'voice-clone'), 'voice-clone trains audio models'],
  ['DPO on images', modality('image', 'dpo'), 'dpo trains language models (llm, code, multimodal)'],
  ['QLoRA on audio', modality('audio', 'qlora'), 'qlora trains language models', 'lora for modality audio'],
  [
    'the same provider twice',
    { 'spec.constraints.providers': ['local', 'local'] },
    'spec.constraints.providers[1]: Duplicate value: "local"',
  ],
  ['no provider at all', { 'spec.constraints.providers': [] }, 'spec.constraints.providers', 'at least 1 items'],
  ['no GPU', { 'spec.constraints.maxGpus': 0 }, 'spec.constraints.maxGpus', 'greater than or equal to 1'],
  [
    'a deadline without a unit',
    { 'spec.constraints.deadline': '90' },
    'spec.constraints.deadline',
    'such as 12h, 90m or 1h30m',
  ],
  ['a deadline in days', { 'spec.constraints.deadline': '2d' }, 'spec.constraints.deadline', 'in hours and minutes'],
  ['a deadline of no time', { 'spec.constraints.deadline': '0h' }, 'spec.constraints.deadline', 'between 1m and 2160h'],
  [
    'a deadline beyond ninety days',
    { 'spec.constraints.deadline': '2161h' },
    'spec.constraints.deadline',
    'between 1m and 2160h',
  ],
  ['epochs and steps', { 'spec.constraints.maxSteps': 100 }, 'spec.constraints', 'set epochs or maxSteps, not both'],
  [
    'a learning rate of zero',
    { 'spec.constraints.learningRate': '0.0' },
    'spec.constraints.learningRate',
    'above 0 and at most 1',
  ],
  [
    'a learning rate above one',
    { 'spec.constraints.learningRate': '2' },
    'spec.constraints.learningRate',
    'such as "0.0002" or "2e-4"',
  ],
  [
    'a learning rate in words',
    { 'spec.constraints.learningRate': 'slow' },
    'spec.constraints.learningRate',
    'quoted decimal',
  ],
  [
    'a checkpoint after the last step',
    { 'spec.constraints.epochs': undefined, 'spec.constraints.maxSteps': 10 },
    'spec.constraints.checkpointEverySteps',
    'no periodic checkpoint would ever be written',
  ],
  [
    'data without a scheme',
    { 'spec.data[0].uri': '/data/faq.jsonl' },
    'spec.data[0].uri',
    'a data URI starts with file:///',
  ],
  ['data over plain http', { 'spec.data[0].uri': 'http://example.com/faq.jsonl' }, 'spec.data[0].uri', 'https://host'],
  [
    'a relative file',
    { 'spec.data[0].uri': 'file://faq.jsonl' },
    'spec.data[0].uri',
    'a data URI starts with file:///',
  ],
  [
    'a file outside of its folder',
    { 'spec.data[0].uri': 'file:///data/../etc/passwd' },
    'spec.data[0].uri',
    'may not contain ".."',
  ],
  [
    'data with a password in the URI',
    { 'spec.data[0].uri': 'https://me:secret@example.com/a.csv' },
    'spec.data[0].uri',
    'keep credentials out of the URI',
  ],
  [
    'a Hub dataset without its owner',
    { 'spec.data[1].uri': 'hf://datasets/chats' },
    'spec.data[1].uri',
    'a Hub dataset is hf://datasets/owner/name',
  ],
  [
    'a Hub format for a file',
    { 'spec.data[0].format': 'hub' },
    'spec.data[0].format',
    'format hub needs a uri of the form hf://',
  ],
  ['a split of a file', { 'spec.data[0].split': 'train' }, 'spec.data[0].split', 'a file has no splits'],
  [
    'a revision of a file',
    { 'spec.data[0].revision': 'main' },
    'spec.data[0].revision',
    'pin other sources with sha256',
  ],
  [
    'a hash of a Hub dataset',
    { 'spec.data[1].sha256': 'ab'.repeat(32) },
    'spec.data[1].sha256',
    'pin a Hub dataset with revision',
  ],
  ['a hash that is none', { 'spec.data[0].sha256': 'abc' }, 'spec.data[0].sha256', 'should match'],
  [
    'credentials for a file',
    { 'spec.data[0].credentialsRef': { name: 'x' } },
    'spec.data[0].credentialsRef',
    'remove credentialsRef',
  ],
  [
    'credentials for a Hub dataset, which no trainer would get',
    { 'spec.data[1].credentialsRef': { name: 'x' } },
    'spec.data[1].credentialsRef',
    'spec.kubernetes.hubTokenRef',
  ],
  ['two sources of one name', { 'spec.data[1].name': 'faq' }, 'spec.data', 'names of data sources must differ'],
  [
    'more sources than a plan can hold',
    { 'spec.data': Array.from({ length: 17 }, () => ({ uri: 'file:///a.csv' })) },
    'spec.data: Too many: 17: must have at most 16',
  ],
  [
    'an output to a web server',
    { 'spec.output[0].uri': 'https://example.com/model' },
    'spec.output[0].uri',
    'an output URI starts with',
  ],
  [
    'an output twice to one place',
    { 'spec.output[1].uri': 'file:///models/help-desk' },
    'spec.output[1]: Duplicate value',
  ],
  [
    'a Hub model without its owner',
    { 'spec.output[1].uri': 'hf://help-desk' },
    'spec.output[1].uri',
    'a model on the Hub is hf://owner/name',
  ],
  ['a private file', { 'spec.output[0].private': true }, 'spec.output[0].private', 'private is for outputs on the Hub'],
  [
    'credentials for an output file',
    { 'spec.output[0].credentialsRef': { name: 'x' } },
    'spec.output[0].credentialsRef',
    'written without credentials',
  ],
  [
    'a pull request to nowhere',
    { 'spec.approval.repository': undefined },
    'spec.approval.repository: Required value',
    'set repository.url',
  ],
  [
    'a repository that is not used',
    { 'spec.approval.via': 'status' },
    'spec.approval.repository: Forbidden',
    'set via to pullRequest or remove',
  ],
  [
    'reviewers without a pull request',
    { 'spec.approval': { via: 'status', reviewers: ['alice'] } },
    'spec.approval.reviewers: Forbidden',
    'decided by the verb approve',
  ],
  [
    'a forge over plain http',
    { 'spec.approval.repository.url': 'http://git.example.com/a' },
    'spec.approval.repository.url',
    'starts with https://',
  ],
  [
    'a token in the URL of the forge',
    { 'spec.approval.repository.url': 'https://tok@git.example.com/a' },
    'spec.approval.repository.url',
    'put them in a Secret',
  ],
  [
    'plans outside of the repository',
    { 'spec.approval.repository.path': '../plans' },
    'spec.approval.repository.path',
    'relative to the root of the repository',
  ],
  [
    'e-mail to nobody',
    { 'spec.notify[1].to': undefined },
    'spec.notify[1].to',
    'channel email needs an e-mail address',
  ],
  [
    'a text message without a country code',
    { 'spec.notify[2].to': '5550100' },
    'spec.notify[2].to',
    'such as +15550100',
  ],
  [
    'a webhook over plain http',
    { 'spec.notify[4].to': 'http://example.com' },
    'spec.notify[4].to',
    'needs an https:// URL',
  ],
  ['Slack to nowhere', { 'spec.notify[3].to': undefined }, 'spec.notify[3].to', 'needs a channel in to'],
  [
    'an address for the app itself',
    { 'spec.notify[0].to': 'me' },
    'spec.notify[0].to',
    'takes neither to nor credentialsRef',
  ],
  ['an unknown channel', { 'spec.notify[0].channel': 'fax' }, 'spec.notify[0].channel: Unsupported value: "fax"'],
];

for (const [name, changes, ...parts] of bad) {
  it(`refuses ${name}`, async () => {
    expectRefused(await dryRun().create(edit(validGoal(), changes)), ...parts);
  });
}

it('fills in the currency, the thresholds and the road of approval', async () => {
  const spec = { goal: 'x', budget: { limit: '5' }, approval: {} };
  const created = expectAccepted(await dryRun().create(edit(validGoal(), { spec })));
  expect(created['spec']).toEqual({
    goal: 'x',
    budget: { limit: '5', currency: 'USD', alertAt: 80, warnAt: 95 },
    approval: { via: 'status' },
  });
});
