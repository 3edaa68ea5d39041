import { describe, expect, it } from 'vitest';
import { explainBuildFailure } from './explain.ts';

const CONTEXT = { program: 'etcd v3.7.3', goVersionWanted: '1.26.0', cache: '/cache' };

describe('a failed build says what to do', () => {
  it.each([
    [
      'the disk is full',
      'compile: writing output: write /tmp/go-build1/b001/_pkg_.a: no space left on device',
      /10 GB free.*go clean/,
    ],
    [
      'Go is too old',
      'go: go.mod requires go >= 1.26.0 (running go 1.24.1; GOTOOLCHAIN=local)',
      /Go 1\.24\.1 is too old, 1\.26\.0/,
    ],
    [
      'Go is very old',
      "go: errors parsing go.mod:\ngo.mod:6: invalid go version '1.26.0': must match format 1.23",
      /too old to read go\.mod/,
    ],
    [
      'the proxy cannot be reached',
      'Get "https://modules.example/x": dial tcp: lookup modules.example: no such host',
      /GOPROXY/,
    ],
    ['a module was tampered with', 'verifying k8s.io/api@v0.37.2: checksum mismatch', /go\.sum pins/],
    ['there is no C compiler', 'cgo: C compiler "gcc" not found: exec: "gcc"', /no gcc\. Install gcc/],
    ['the compiler was killed', 'k8s.io/kubernetes: /usr/local/go/compile: signal: killed', /out of memory/],
  ])('when %s', (_name, output, remedy) => {
    const { message } = explainBuildFailure(output, CONTEXT);
    expect(message).toMatch(/^Cannot build etcd v3\.7\.3: /);
    expect(message).toMatch(remedy);
    expect(message).toContain('set KUBECONFIG');
  });

  it('shows the end of the output when the cause is new to us', () => {
    const output = Array.from({ length: 50 }, (_, line) => `line ${line}`).join('\n');
    const { message } = explainBuildFailure(output, CONTEXT);
    expect(message).toContain('line 49');
    expect(message).not.toContain('line 29\n');
  });
});
