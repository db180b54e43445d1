/** Versions, kept here so that nothing has to be loaded to print them; a test compares them with package.json. */
export const VERSION = '0.1.0';
export const NODE_SEAL_VERSION = '7.0.0';
/** What node-seal 7.0.0 was built from. */
const SEAL_VERSION = '4.1';

/** What `--version` prints. */
export const VERSION_LINE = `cipherconv ${VERSION} (node-seal ${NODE_SEAL_VERSION}, Microsoft SEAL ${SEAL_VERSION})`;
