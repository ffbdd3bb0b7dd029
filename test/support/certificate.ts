import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "./tools.js";

export interface Certificate {
  /** Paths of the PEM files. */
  readonly certificate: string;
  readonly key: string;
  /** The certificate's DER bytes. */
  readonly der: Uint8Array;
  readonly pem: string;
  readonly keyPem: string;
}

/** A self-signed P-256 certificate for localhost and 127.0.0.1, valid for two days. Needs openssl. */
export async function selfSigned(dir: string, name: string): Promise<Certificate> {
  const certificate = join(dir, `${name}.pem`);
  const key = join(dir, `${name}.key`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  await mustRun("openssl", [
    "req",
    "-x509",
    ...curve,
    ...subject,
    "-days",
    "2",
    "-keyout",
    key,
    "-out",
    certificate,
  ]);
  const [pem, keyPem] = await Promise.all([readFile(certificate, "utf8"), readFile(key, "utf8")]);
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
  return { certificate, key, der, pem, keyPem };
}
