import { startClientSide } from '../page/clientSide.ts';
import { portFetch } from './portFetch.ts';

/** The client's worker: keys, encryption, decryption. It has one line, to the server's worker; the page gives it. */
addEventListener(
  'message',
  ({ data }: MessageEvent<MessagePort>) => {
    startClientSide(portFetch(data));
  },
  { once: true },
);
