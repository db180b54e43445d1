import { startClientSide } from './clientSide.ts';

/** The worker of the page: it talks to the server that the page comes from. */
startClientSide((url, init) => fetch(url, init));
