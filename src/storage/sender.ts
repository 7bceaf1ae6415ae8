/** A device's member, as it begins in addresses of its devices; undefined for what no device sent. */
export const senderPrefix = (from: string): string | undefined =>
  from.includes('/') ? from.slice(0, from.lastIndexOf('/') + 1) : undefined;
