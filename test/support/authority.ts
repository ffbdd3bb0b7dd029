import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { selfSigned, type Certificate } from "./certificate.js";
import { mustRun } from "./tools.js";

/** A certificate authority of a test's own. Needs openssl. */
export interface Authority {
  readonly certificate: Certificate;
  /** A P-256 certificate; for localhost and 127.0.0.1, valid for two days, unless told otherwise. */
  issue(name: string, options?: { readonly names?: string; readonly days?: number }): Promise<Issued>;
}

export type Issued = Pick<Certificate, "certificate" | "key" | "pem" | "keyPem">;

export async function createAuthority(dir: string, name: string): Promise<Authority> {
  const certificate = await selfSigned(dir, name);
  return {
    certificate,
    async issue(subject, { names = "DNS:localhost,IP:127.0.0.1", days = 2 } = {}) {
      const [request, key, issued] = ["csr", "key", "pem"].map((end) => join(dir, `${subject}.${end}`)) as [
        string,
        string,
        string,
      ];
      const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
      const about = ["-subj", `/CN=${subject}`, "-addext", `subjectAltName=${names}`];
      await mustRun("openssl", ["req", ...curve, ...about, "-keyout", key, "-out", request]);
      const by = ["-CA", certificate.certificate, "-CAkey", certificate.key, "-copy_extensions", "copy"];
      await mustRun("openssl", ["x509", "-req", "-in", request, ...by, "-days", `${days}`, "-out", issued]);
      const [pem, keyPem] = await Promise.all([readFile(issued, "utf8"), readFile(key, "utf8")]);
      return { certificate: issued, key, pem, keyPem };
    },
  };
}
