const HEADER = `/**
 * Types of window.vitrine, version 1, for pages that run on a Vitrine player. Copy this file into your
 * project. It is made of player-host/contract/page-api.ts and checked against it by a test.
 */
`;

const FOOTER = `
declare global {
  interface Window {
    /** There on a Vitrine player, in the page's main frame, before any of your code runs; nowhere else. */
    readonly vitrine?: VitrineApi;
  }
}
`;

/** The text of `vitrine.d.ts`, generated from the source of the contract. */
export function publishedTypes(contract: string): string {
  return `${HEADER}${contract.trimEnd()}\n${FOOTER}`;
}
