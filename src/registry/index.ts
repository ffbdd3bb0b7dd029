export { openRepository, type RepositoryOptions } from "./repository.js";
export {
  anonymous,
  createCredentialLookup,
  type AuthFileText,
  type CredentialLookup,
  type Credentials,
} from "./credentials.js";
export { startServer, type RequestRecord, type RunningServer, type ServerOptions } from "./serve.js";
