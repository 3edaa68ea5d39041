import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthority, createSigningKeys, loadAuthority } from './pki.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const DAY_MS = 86_400_000;

describe('an authority', () => {
  it('is a certificate authority that lives ten years', async () => {
    const certificate = new X509Certificate((await createAuthority('test', NOW)).cert);
    expect(certificate.ca).toBe(true);
    expect(certificate.subject).toBe('CN=test');
    expect(Date.parse(certificate.validTo)).toBe(NOW + 3650 * DAY_MS);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  it('issues a server certificate for its names and addresses, signed by itself', async () => {
    const authority = await createAuthority('test', NOW);
    const { cert, key } = await authority.issue({
      name: 'server',
      usages: ['server'],
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
    });
    const leaf = new X509Certificate(cert);
    expect(leaf.verify(new X509Certificate(authority.cert).publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(leaf.checkHost('localhost')).toBe('localhost');
    expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(leaf.checkIP('127.0.0.2')).toBeUndefined();
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  it('writes user and groups into a client certificate', async () => {
    const authority = await createAuthority('test', NOW);
    const { cert } = await authority.issue({
      name: 'ann@example.com',
      groups: ['team-a', 'team-b'],
      usages: ['client'],
    });
    expect(new X509Certificate(cert).subject).toBe('CN=ann@example.com\nO=team-a\nO=team-b');
    expect(new X509Certificate(cert).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('does not let a name smuggle in a group', async () => {
    const authority = await createAuthority('test', NOW);
    const { cert } = await authority.issue({ name: 'x, O=system:masters', usages: ['client'] });
    expect(new X509Certificate(cert).toLegacyObject().subject).toEqual({ CN: 'x, O=system:masters' });
  });

  it('goes on issuing after it was read back from disk, dating by the later clock', async () => {
    const first = await createAuthority('test', NOW);
    const later = NOW + 400 * DAY_MS;
    const loaded = await loadAuthority({ cert: first.cert, key: first.key }, () => later);
    const leaf = new X509Certificate((await loaded.issue({ name: 'late', usages: ['client'] })).cert);
    expect(leaf.verify(new X509Certificate(first.cert).publicKey)).toBe(true);
    expect(leaf.checkIssued(new X509Certificate(first.cert))).toBe(true);
    expect(Date.parse(leaf.validTo)).toBe(later + 365 * DAY_MS);
  });
});

it('makes service-account keys whose halves belong together', async () => {
  const { key, publicKey } = await createSigningKeys();
  const derived = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });
  expect(createPublicKey(publicKey).export({ type: 'spki', format: 'der' })).toEqual(derived);
});
