/** Whose account a row is on. Of what the bridge itself says (ends, bundles) it is the peer's alone. */
export const isDevice = (from: string): boolean => from.includes('/');

/** A device's member, as it begins in addresses of its devices; undefined for what no device sent. */
export const senderPrefix = (from: string): string | undefined =>
  isDevice(from) ? from.slice(0, from.lastIndexOf('/') + 1) : undefined;
