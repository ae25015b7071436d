import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { matchesHost } from '../policy/platform.ts';
import { SinkError } from './sink-error.ts';

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

/** How the addresses of a sink are found; undefined: in any way. */
export interface Access {
  lookup?: LookupFunction;
}

/**
 * How this sink may be reached. Throws SinkError where the platform does not let it.
 *
 * @param isPlatform the Notification stands in the namespace of the controller
 */
export const accessTo = (
  url: URL,
  { notifications: { allowedHosts } }: Pick<PlatformPolicySpec, 'notifications'>,
  isPlatform: boolean,
): Access => {
  const { host, hostname } = url;
  const isAllowed = allowedHosts.some((pattern) => matchesHost(pattern, host) || matchesHost(pattern, hostname));
  if (isPlatform || isAllowed) return {};
  if (allowedHosts.length > 0)
    throw new SinkError(
      'HostRefused',
      `Notifications to ${host} are not allowed; allowed are ${allowedHosts.join(', ')}`,
    );
  const literal = hostname.replace(/^\[|\]$/g, '');
  // No name is looked up then.
  if (isIP(literal) !== 0 && isInternal(literal)) throw refused(host);
  return { lookup: publicOnly };
};

const refused = (host: string): SinkError =>
  new SinkError(
    'HostRefused',
    `${host} has an internal address: a PlatformPolicy has to name it in notifications.allowedHosts`,
  );

/** Asked for the very addresses that are connected to: a name that changes meanwhile gains nothing. */
const publicOnly: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, '', 0);
    const [first] = addresses;
    if (!first || addresses.some(({ address }) => isInternal(address))) return callback(refused(hostname), '', 0);
    return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
  });
};
