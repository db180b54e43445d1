import { describe, expect, it } from 'vitest';
import { parseRedisUrl } from '../../src/farm/redisUrl.ts';

describe('the address of a Redis', () => {
  it('is read, and shown without user name and password', () => {
    expect(parseRedisUrl('redis://h', null)).toEqual({
      shown: 'redis://h:6379',
      options: { host: 'h', port: 6379, db: 0 },
    });
    expect(parseRedisUrl('rediss://me:p%40ss@[::1]:7000/3', 'PEM')).toEqual({
      shown: 'rediss://[::1]:7000/3',
      options: {
        host: '::1',
        port: 7000,
        db: 3,
        username: 'me',
        password: 'p@ss',
        tls: { ca: 'PEM' },
      },
    });
  });

  it('TLS names the host, unless it is an address', () => {
    expect(parseRedisUrl('rediss://h', null).options.tls).toEqual({ servername: 'h' });
    expect(parseRedisUrl('rediss://10.0.0.1', null).options.tls).toEqual({});
  });

  it.each([
    ['http://me:SECRET@h'],
    ['SECRET'],
    ['redis://:SECRET@'],
    ['redis://:SECRET@h/first'],
    ['redis://:SECRET@h/1?x=SECRET'],
    ['redis://:SECRET%zz@h'],
    ['redis://:SECRET@h:99999'],
  ])('%s is refused, and never quoted', (url) => {
    expect(() => parseRedisUrl(url, null)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => parseRedisUrl(url, null)).not.toThrow(/SECRET/);
  });

  it('certificates need TLS', () => {
    expect(() => parseRedisUrl('redis://h', 'PEM')).toThrow(/TLS/);
  });
});
