/** `node tools/check-links.ts FOLDER`: fails when a link of a built site leads nowhere, or when there is no site. */
import { checkLinks } from './docs/links.ts';

const [folder = 'out/docs'] = process.argv.slice(2);
const { pages, links, broken } = checkLinks(folder);
for (const { page, link, reason } of broken) console.error(`${folder}/${page}: ${reason}: ${link}`);
console.log(`docs: ${pages} pages, ${links} links within them, ${broken.length} broken`);
process.exitCode = pages > 0 && links > 0 && broken.length === 0 ? 0 : 1;
