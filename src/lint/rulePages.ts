import { VERSION } from '../version.ts';

/** The pages of the rules, of exactly this version, as the npm package has them. */
const PAGES = `https://unpkg.com/cipherconv@${VERSION}/docs/rules`;

/** Address of a rule's page. */
export function rulePage(name: string): string {
  return `${PAGES}/${name}.md`;
}
