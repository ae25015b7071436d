import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ReasonError } from '../api/reason-error.ts';
import { matchesHost } from './platform.ts';

/**
 * Not on the internet: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry. A tenant
 * could have the controller ask there what it may not ask itself: the metadata of the node, or a service without a
 * password. An IPv4 address that is written as IPv6 counts as what it is.
 */
const internalRanges = (): BlockList => {
  const list = new BlockList();
  for (const range of [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    // The wire server of Azure's nodes, in the middle of the internet's addresses.
    '168.63.129.16/32',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '224.0.0.0/3',
  ]) {
    const [net = '', prefix] = range.split('/');
    list.addSubnet(net, Number(prefix), 'ipv4');
  }
  // Loopback and unspecified, NAT64, unique local, link-local, site-local, multicast.
  for (const range of ['::/127', '64:ff9b::/96', '64:ff9b:1::/48', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8']) {
    const [net = '', prefix] = range.split('/');
    list.addSubnet(net, Number(prefix), 'ipv6');
  }
  return list;
};

const INTERNAL = internalRanges();

export const isInternal = (address: string): boolean => {
  const family = isIP(address);
  return family === 0 || INTERNAL.check(address, family === 6 ? 'ipv6' : 'ipv4');
};

/** How the addresses of a host are found; undefined: in any way. */
export interface Access {
  lookup?: LookupFunction;
}

/** Whom the platform lets the controller call for others. */
export interface Allowed {
  /** Patterns; none: all hosts that have no internal address. */
  hosts: readonly string[];
  /** The platform itself asks: then any. */
  isPlatform: boolean;
  /** As messages say it: who calls, and where a PlatformPolicy names hosts. */
  who: string;
  setting: string;
}

/** How a host may be reached. Throws ReasonError HostRefused where the platform does not let it be. */
export const accessTo = ({ host, hostname }: URL, { hosts, isPlatform, who, setting }: Allowed): Access => {
  if (isPlatform || hosts.some((pattern) => matchesHost(pattern, host) || matchesHost(pattern, hostname))) return {};
  if (hosts.length > 0)
    throw new ReasonError('HostRefused', `${who} to ${host} are not allowed; allowed are ${hosts.join(', ')}`);
  const refused = (which: string): ReasonError =>
    new ReasonError('HostRefused', `${which} has an internal address: a PlatformPolicy has to name it in ${setting}`);
  const literal = hostname.replace(/^\[|\]$/g, '');
  // No name is looked up then.
  if (isIP(literal) !== 0 && isInternal(literal)) throw refused(host);
  return { lookup: publicOnly(refused) };
};

/** Asked for the very addresses that are connected to: a name that changes meanwhile gains nothing. */
const publicOnly =
  (refused: (hostname: string) => ReasonError): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '', 0);
      const [first] = addresses;
      if (!first || addresses.some(({ address }) => isInternal(address))) return callback(refused(hostname), '', 0);
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
