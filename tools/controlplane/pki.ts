// The X.509 library resolves its parts through decorators and needs this polyfill before it is loaded.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
const LEAF_DAYS = 365;
// A clock that is a little behind (a container, a suspended laptop) must not see a certificate of the future.
const BACKDATE_MS = 5 * 60 * 1000;

/** A certificate and its private key as PEM text (key in PKCS #8). */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Signs leaf certificates. */
export interface CertificateAuthority extends KeyPair {
  issue(leaf: Leaf): Promise<KeyPair>;
}

/** What a leaf certificate says. */
interface Leaf {
  /** Common name; for Kubernetes clients the user's name. */
  readonly name: string;
  /** Organizations; for Kubernetes clients the user's groups. */
  readonly groups?: readonly string[];
  readonly usages: readonly ('client' | 'server')[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** A new self-signed ECDSA P-256 authority, valid for ten years from `now` (milliseconds since the epoch). */
export async function createAuthority(name: string, now: number): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authority(certificate, keys.privateKey, await privateKeyPem(keys.privateKey), () => now);
}

/** An authority read back from PEM text; leaves are dated by `now`. */
export async function loadAuthority(pair: KeyPair, now: () => number): Promise<CertificateAuthority> {
  const key = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pair.key), ALGORITHM, true, [
    'sign',
  ]);
  return authority(new x509.X509Certificate(pair.cert), key, pair.key, now);
}

/** A key pair that signs service-account tokens, as PEM (PKCS #8 and SubjectPublicKeyInfo). */
export async function createSigningKeys(): Promise<{ key: string; publicKey: string }> {
  const keys = await generateKeys();
  const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return {
    key: await privateKeyPem(keys.privateKey),
    publicKey: x509.PemConverter.encode(spki, x509.PemConverter.PublicKeyTag),
  };
}

function authority(
  certificate: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  keyPem: string,
  now: () => number,
): CertificateAuthority {
  return {
    cert: certificate.toString('pem'),
    key: keyPem,
    async issue(leaf) {
      const keys = await generateKeys();
      const issued = await x509.X509CertificateGenerator.create({
        subject: [{ CN: [leaf.name] }, ...(leaf.groups ?? []).map((group) => ({ O: [group] }))],
        issuer: certificate.subjectName.toJSON(),
        notBefore: new Date(now() - BACKDATE_MS),
        notAfter: new Date(now() + LEAF_DAYS * DAY_MS),
        signingAlgorithm: ALGORITHM,
        publicKey: keys.publicKey,
        signingKey,
        extensions: await leafExtensions(leaf, certificate),
      });
      return { cert: issued.toString('pem'), key: await privateKeyPem(keys.privateKey) };
    },
  };
}

async function leafExtensions(leaf: Leaf, issuer: x509.X509Certificate): Promise<x509.Extension[]> {
  const usages = leaf.usages.map((usage) => x509.ExtendedKeyUsage[usage === 'client' ? 'clientAuth' : 'serverAuth']);
  const names: x509.JsonGeneralNames = [
    ...(leaf.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(leaf.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
  ];
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), x509.PemConverter.PrivateKeyTag);
}
