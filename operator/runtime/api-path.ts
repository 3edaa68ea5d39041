/**
 * What a path of the API is about, as a metric's label: `pods`, `trainingjobs/status`. Names and namespaces are left out,
 * so there are no more of them than kinds and subresources; paths outside the API are `other`.
 */
export function resourceOfPath(path: string): string {
  const [, root, ...parts] = path.split('/');
  if (root !== 'api' && root !== 'apis') return 'other';
  const below = parts.slice(root === 'api' ? 1 : 2);
  const [resource, , subresource] = below[0] === 'namespaces' && below.length > 2 ? below.slice(2) : below;
  if (resource === undefined || resource === '') return 'other';
  return subresource === undefined || subresource === '' ? resource : `${resource}/${subresource}`;
}
