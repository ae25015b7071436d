import { ADDRCONFIG, lookup } from 'node:dns';
import { lookup as lookUp } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ReasonError } from '../api/reason-error.ts';
import { parseRepositoryUrl } from '../api/repository-url.ts';

/** Where clouds tell a machine its secrets, and no repository is. */
const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16);
forbidden.addSubnet('fe80::', 10, 'ipv6');
// Of AWS and of Google: all services that they have there, not only what tells a machine its secrets.
forbidden.addSubnet('fd00:ec2::', 32, 'ipv6');
forbidden.addSubnet('fd20:ce::', 32, 'ipv6');
// Of Azure, which hands out a node's certificates and settings; it is in no private range.
forbidden.addAddress('168.63.129.16');
forbidden.addAddress('100.100.100.200');

const isForbidden = (address: string): boolean => forbidden.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

const words = (host: string, address: string): string =>
  `${host === address ? host : `${host} is ${address}, which`} is an address of this machine's network or cloud, where no repository is`;

/** Throws ReasonError for a URL that has such an address in it. */
export const refuseForbiddenAddress = (url: string): void => {
  const parsed = parseRepositoryUrl(url);
  const host = parsed.ok ? parsed.url.hostname.replace(/^\[(.*)\]$/, '$1') : '';
  if (isIP(host) !== 0 && isForbidden(host)) throw new ReasonError('RepositoryUnreachable', words(host, host));
};

/** For net.connect: the address that was checked is the one that is connected to. */
export const checkedLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '', 0);
    const refused = found.find(({ address }) => isForbidden(address));
    const [first] = found;
    if (refused || !first) return callback(new Error(words(host, refused?.address ?? 'no address')), '', 0);
    if (options.all) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

/** The address of a host that a program is to connect to. Rejects with ReasonError. */
export const checkedAddress = async (url: string, host: string): Promise<string> => {
  const { address } = await lookUp(host, { hints: ADDRCONFIG }).catch((error: NodeJS.ErrnoException) => {
    throw new ReasonError('RepositoryUnreachable', `${url} can't be reached: ${error.message}`, error);
  });
  if (!isForbidden(address)) return address;
  throw new ReasonError('RepositoryUnreachable', `${url} can't be reached: ${words(host, address)}`);
};
