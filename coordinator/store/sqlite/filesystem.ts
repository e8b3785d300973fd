import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreError } from '../store.js';

/** The type of the file system that holds a directory, as the operating system numbers it. */
export type FileSystemType = (directory: string) => Promise<number>;

export const fileSystemType: FileSystemType = async (directory) => (await statfs(directory)).type;

/** File systems that several machines can mount. SQLite's write-ahead log needs memory shared by all who have the file open. */
const shared: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4266872130: 'SMB2',
  4283649346: 'CIFS',
  22092: 'NCP',
  1397113167: 'AFS',
  1799439955: 'AFS',
  1937076805: 'Coda',
  12805120: 'Ceph',
  18225520: 'GFS2',
  1952539503: 'OCFS2',
  198183888: 'Lustre',
  1196443219: 'GPFS',
  428016422: 'BeeGFS',
};

/** Refuses a file that another machine might open too. */
export async function refuseSharedFileSystem(path: string, typeOf: FileSystemType): Promise<void> {
  const directory = dirname(resolve(path));
  let type: number;
  try {
    type = await typeOf(directory);
  } catch (error) {
    throw new StoreError('outage', `cannot open ${path}: there is no directory ${directory} to be read`, error);
  }
  const name = shared[type >>> 0];
  if (name === undefined) return;
  throw new StoreError(
    'broken',
    `${path} is on a network file system (${name}), where SQLite cannot keep writers apart: ` +
      'use a local disk, or PostgreSQL or MySQL to share a store',
  );
}
