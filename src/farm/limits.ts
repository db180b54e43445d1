/** Pieces of one input at most: workers keep what they prepared for so many. */
export const MOST_PIECES = 16;
