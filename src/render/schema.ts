import { boolYaml11Tag, CORE_SCHEMA, defineScalarTag, mergeTag, NOT_RESOLVED } from 'js-yaml';
import { integer } from '../json.ts';

/** 017 and 0o17 are 15, 1_000 is 1000: as the YAML 1.1 parser of kubectl reads them. All of 64 bits is kept. */
const int = defineScalarTag('tag:yaml.org,2002:int', {
  implicit: true,
  resolve(source) {
    const match = /^([-+]?)(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/.exec(source);
    if (!match) return NOT_RESOLVED;
    const [, sign = '', digits = ''] = match;
    const plain = digits.replaceAll('_', '');
    const literal = /^0[0-7]+$/.test(plain) ? `0o${plain.slice(1)}` : plain;
    const value = Number(literal);
    if (Number.isNaN(value)) return NOT_RESOLVED;
    const minus = sign === '-' ? '-' : '';
    if (!Number.isSafeInteger(value)) return integer(`${minus}${BigInt(literal)}`);
    return minus ? 0 - value : value; // never −0, which JSON does not have
  },
  identify: (data) => Number.isInteger(data) || typeof data === 'bigint',
});

/** 1e3 is a number there, 1:30 is none, and what no number can hold stays text. */
const float = defineScalarTag('tag:yaml.org,2002:float', {
  implicit: true,
  resolve(source) {
    if (!/^[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$/.test(source)) return NOT_RESOLVED;
    const value = Number(source.replaceAll('_', ''));
    return Number.isFinite(value) ? value : NOT_RESOLVED;
  },
  identify: (data) => typeof data === 'number',
});

/** JSON has no bytes: what they say in UTF-8 is taken. */
const binary = defineScalarTag('tag:yaml.org,2002:binary', {
  implicit: false,
  resolve: (source) => Buffer.from(source, 'base64').toString(),
  identify: () => false,
});

/** The scalars of kubectl's YAML 1.1 parser, as measured on kubectl; schema.test.ts has the table. */
export const KUBECTL_SCHEMA = CORE_SCHEMA.withTags(mergeTag, boolYaml11Tag, int, float, binary);
