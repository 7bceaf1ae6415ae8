/** A stored `since` is never read back (matrix/receiver.ts says why), so none is written. */
export const noPositions = 'DROP TABLE positions;';
