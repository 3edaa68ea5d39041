import { expect, it } from 'vitest';
import { createLogger, redactText } from './log.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger({ destination: { write: (line) => void lines.push(line) } }));
  return lines.join('');
}

it.each([
  ['token', { token: 'SECRET' }],
  ['authorization', { headers: { authorization: 'SECRET' } }],
  ['Authorization', { request: { headers: { Authorization: 'SECRET' } } }],
  ['password', { user: { password: 'SECRET' } }],
  ['apiKey', { config: { provider: { settings: { apiKey: 'SECRET' } } } }],
  ['client-key-data', { user: { 'client-key-data': 'SECRET' } }],
])('hides the member %s', (_name, record) => {
  const line = logged((log) => log.info(record, 'x'));
  expect(line).not.toContain('SECRET');
  expect(line).toContain('[redacted]');
  expect(JSON.parse(line)).toMatchObject({ msg: 'x' });
});

it.each([
  ['a bearer token', 'Authorization: Bearer abcdef123456', 'Authorization: Bearer [redacted]'],
  ['a JWT', 'got eyJhbGciOiJI.eyJzdWIiOiIx.c2ln here', 'got [redacted] here'],
  ['a provider key', 'key sk-ant-REDACTED was refused', 'key [redacted] was refused'],
  ['a Hub token', 'hf_abcdefghijklmnop', '[redacted]'],
  ['an address with a password', 'https://bob:hunter2@host/x', 'https://bob:[redacted]@host/x'],
  ['a query parameter', 'GET /x?token=abc&y=1', 'GET /x?token=[redacted]&y=1'],
  ['a private key', 'x -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----', 'x [redacted]'],
  ['nothing', 'step 12 of 40, loss 1.25', 'step 12 of 40, loss 1.25'],
  ['talk about tokens', 'tokens per second: 410', 'tokens per second: 410'],
])('finds in free text: %s', (_what, text, expected) => {
  expect(redactText(text)).toBe(expected);
});

it('hides credentials in the message and stack of an error, and the line stays JSON', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----';
  const line = logged((log) => log.error({ err: new Error(`refused: Bearer abcdef123456 ${pem}`) }, 'failed'));
  expect(line).not.toContain('abcdef123456');
  expect(line).not.toContain('MIIE');
  expect(JSON.parse(line)).toMatchObject({ msg: 'failed' });
});
