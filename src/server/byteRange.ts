/** Which bytes of something of a known length a Range header asks for (RFC 9110, section 14). */
export type ByteRange =
  /** All: no range, one that is not understood, or several, which may be left unheard. */
  | { readonly kind: 'all' }
  /** `end` is exclusive. */
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  /** None of the bytes is there. */
  | { readonly kind: 'unsatisfiable' };

const ALL: ByteRange = { kind: 'all' };

export function byteRange(header: string | undefined, length: number): ByteRange {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return ALL;
  if (first === '') {
    const count = Number(last);
    if (count === 0) return { kind: 'unsatisfiable' };
    return { kind: 'part', start: Math.max(0, length - count), end: length };
  }
  const start = Number(first);
  const end = last === '' ? length : Math.min(length, Number(last) + 1);
  if (last !== '' && Number(last) < start) return ALL;
  return start >= length ? { kind: 'unsatisfiable' } : { kind: 'part', start, end };
}
