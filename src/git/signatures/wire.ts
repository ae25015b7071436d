/** What is parsed is not as its format says; the message says where. */
export class MalformedError extends Error {
  override name = 'MalformedError';
}

export interface WireReader {
  /** So many bytes. */
  bytes(length: number): Buffer;
  /** 32 bits, the highest byte first. */
  uint32(): number;
  /** A length of 32 bits, and so many bytes. */
  string(): Buffer;
  /** The same as text of ASCII. */
  text(): string;
  /** A number above zero, its highest byte first, without zeros before it. */
  positive(): Buffer;
  /** Nothing may follow. */
  end(): void;
}

/** Reads the data types of SSH: https://www.rfc-editor.org/rfc/rfc4251#section-5. Its calls throw MalformedError. */
export const readWire = (bytes: Buffer, what: string): WireReader => {
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw new MalformedError(`${what} is cut off`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  const uint32 = (): number => take(4).readUInt32BE();
  const string = (): Buffer => take(uint32());
  return {
    bytes: take,
    uint32,
    string,
    text: () => string().toString('latin1'),
    positive() {
      const number = string();
      const [first = 0x80, second = 0] = number;
      const isPadded = first === 0 && second >= 0x80;
      if (first >= 0x80 || (first === 0 && !isPadded)) throw new MalformedError(`${what} holds an impossible number`);
      return isPadded ? number.subarray(1) : number;
    },
    end() {
      if (at < bytes.length) throw new MalformedError(`${what} is longer than it says`);
    },
  };
};

/** As `string` reads it. */
export const wireString = (content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
