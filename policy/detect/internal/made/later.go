package made

// laterTokens are those of the second set.
var laterTokens = []token{
	{"!adobe", "ADOBE_CLIENT_SECRET", "p8e-«url32»"}, {"!mws", "MWS_AUTH_TOKEN", "amzn.mws.«uuid»"}, {"!deno", "DENO_DEPLOY_TOKEN", "ddp_«an36»"}, {"deepl", "DEEPL_AUTH_KEY", "«uuid»:fx"},
	{"checkout", "CHECKOUT_SECRET_KEY", "sk_«ln32»"}, {"!gitbook", "GITBOOK_TOKEN", "gb_api_«an40»"}, {"recaptcha", "RECAPTCHA_SECRET_KEY", "6L«url38»"}, {"hetzner", "HCLOUD_TOKEN", "«an64»"},
	{"!klaviyo", "KLAVIYO_PRIVATE_KEY", "pk_«hex34»"}, {"linode", "LINODE_TOKEN", "«hex64»"}, {"!mailersend", "MAILERSEND_API_KEY", "mlsn.«hex64»"}, {"mattermost", "MATTERMOST_TOKEN", "«ln26»"},
	{"meraki", "MERAKI_DASHBOARD_API_KEY", "«hex40»"}, {"!modal", "MODAL_TOKEN_SECRET", "as-«an22»"}, {"!nylas", "NYLAS_API_KEY", "nyk_v0_«an64»"}, {"!onesignal", "ONESIGNAL_API_KEY", "os_v2_app_«ln103»"},
	{"!paddle", "PADDLE_API_KEY", "pdl_live_apikey_«ln26»_«an22»_«an3»"}, {"!polar", "POLAR_TOKEN", "polar_oat_«an43»"}, {"pushover", "PUSHOVER_TOKEN", "«ln30»"}, {"!runpod", "RUNPOD_API_KEY", "rpa_«UN40»«ln6»"},
	{"!retool", "RETOOL_TOKEN", "retool_«ln26»"}, {"!rootly", "ROOTLY_TOKEN", "rootly_«hex64»"}, {"scale", "SCALE_API_KEY", "live_«hex32»"}, {"!stytch", "STYTCH_SECRET", "secret-live-«url36»="},
	{"!telnyx", "TELNYX_API_KEY", "KEY01«HEX30»_«an22»"}, {"!trigger", "TRIGGER_SECRET_KEY", "tr_prod_«an20»"}, {"!unkey", "UNKEY_ROOT_KEY", "unkey_«an24»"}, {"!valtown", "VAL_TOWN_API_KEY", "vtwn_«an27»"},
	{"!woocommerce", "WC_CONSUMER_SECRET", "cs_«hex40»"}, {"!xata", "XATA_API_KEY", "xau_«an40»"}, {"!helicone", "HELICONE_API_KEY", "sk-helicone-«ln7»-«ln7»-«ln7»-«ln7»"}, {"!mem0", "MEM0_API_KEY", "m0-«an40»"},
	{"!e2b", "E2B_API_KEY", "e2b_«hex40»"}, {"!daytona", "DAYTONA_API_KEY", "dtn_«hex64»"}, {"!browserbase", "BROWSERBASE_API_KEY", "bb_live_«url27»"}, {"!apify", "APIFY_TOKEN", "apify_api_«an36»"},
	{"!brave", "BRAVE_API_KEY", "BSA«url28»"}, {"serper", "SERPER_API_KEY", "«hex40»"}, {"serpapi", "SERPAPI_API_KEY", "«hex64»"}, {"!llamacloud", "LLAMA_CLOUD_API_KEY", "llx-«an48»"},
	{"!cartesia", "CARTESIA_API_KEY", "sk_car_«an22»"}, {"fal", "FAL_KEY", "«uuid»:«hex32»"}, {"!runway", "RUNWAYML_API_SECRET", "key_«hex128»"}, {"!luma", "LUMAAI_API_KEY", "luma-«uuid»-«uuid»"},
	{"backblaze", "B2_APPLICATION_KEY", "K005«b64:27»"}, {"!exoscale", "EXOSCALE_API_KEY", "EXO«hex24»"}, {"scaleway", "SCW_SECRET_KEY", "«uuid»"}, {"vultr", "VULTR_API_KEY", "«UN36»"},
	{"kaggle", "KAGGLE_KEY", "«hex32»"}, {"!zulip", "ZULIP_API_KEY", "«an32»"}, {"zerotier", "ZEROTIER_TOKEN", "«an32»"}, {"nasa", "NASA_API_KEY", "«an40»"}, {"ipinfo", "IPINFO_TOKEN", "«hex14»"},
	{"pivotal", "TRACKER_TOKEN", "«hex32»"}, {"wise", "WISE_API_TOKEN", "«uuid»"}, {"shortcut", "SHORTCUT_API_TOKEN", "«uuid»"}, {"samba", "SAMBANOVA_API_KEY", "«uuid»"}, {"livekit", "LIVEKIT_API_SECRET", "«an43»"},
	{"!github-app", "installation", "ghs_«an36»"}, {"!openai-short", "key", "sk-proj-«an48»"}, {"!anthropic", "x-api-key", "sk-ant-api03-«url93»AA"}, {"!gcp", "key", "AIza«url35»"}, {"!slack-bot", "token", "xoxb-«d11»-«d12»-«an24»"},
	{"!stripe-live", "stripe", "sk_live_«an99»"}, {"!gitlab-pat", "pw", "glpat-«url20»"}, {"!huggingface", "use_auth_token", "hf_«al34»"}, {"!npm", "_authToken", "npm_«an36»"}, {"!jwt", "id_token", "«jwt»"},
	{"aws-secret", "secretAccessKey", "«b64:40»"}, {"azure-storage", "storageKey", "«b64:86»=="}, {"datadog", "datadogApiKey", "«hex32»"}, {"twilio-auth", "authToken", "«hex32»"}, {"cloudflare", "CF_API_TOKEN", "«url40»"},
	{"okta", "oktaToken", "00«url40»"}, {"heroku", "herokuApiKey", "«uuid»"}, {"mongo", "MONGO_PASSWORD", "«strong»"}, {"oracle", "oracle_pwd", "«pw»"}, {"ldap", "ldapBindPassword", "«strong»"}, {"kafka", "sasl.password", "«strong»"},
	{"grafana-admin", "GF_SECURITY_ADMIN_PASSWORD", "«pw»"}, {"rabbit", "RABBITMQ_DEFAULT_PASS", "«strong»"}, {"minio", "MINIO_ROOT_PASSWORD", "«pw»"}, {"session", "SESSION_SECRET", "«hex64»"}, {"csrf-key", "COOKIE_SIGNING_KEY", "«b64:43»="},
	{"flask", "FLASK_SECRET_KEY", "«hex48»"}, {"fernet", "FERNET_KEY", "«url43»="}, {"nacl", "LIBSODIUM_SECRET_KEY", "«hex64»"}, {"pin", "SIGNING_PRIVATE_KEY", "«hex64»"}, {"acme-corp", "ACME_API_TOKEN", "«an32»"},
	{"acme-corp-2", "globexClientSecret", "«url40»"}, {"acme-corp-3", "initech-api-key", "«uuid»"}, {"acme-corp-4", "UMBRELLA_PAT", "umb_«an32»"}, {"!acme-prefixed", "hooli", "hooli_live_«an32»"}, {"!discord-bot", "bot.token", "MT«an24».G«an5».«url38»"},
}

var laterNamed = []string{
	"let %n = \"%v\"\n", "  %n: \"%v\",\n", "%n => '%v'", "--set %n=%v", "kubectl create secret generic x --from-literal=%n=%v", "heroku config:set %n=%v", "fly secrets set %n=\"%v\"",
	"[Service]\nEnvironment=\"%n=%v\"", "#define %n \"%v\"", "<string name=\"%n\">%v</string>", "static let %n = \"%v\"", "@pytest.fixture\ndef cfg():\n    return {'%n': '%v'}",
	"os.Setenv(\"%n\", \"%v\")", "System.setProperty(\"%n\", \"%v\");", "Here are my settings:\n- %n: %v\n- region: us", "**%n**: `%v`", "%n = `%v`", "ARG %n=%v", "%n=%v node server.js",
	"{\"key\":\"%n\",\"value\":\"%v\"}", "echo \"%n=%v\" >> .env", "locals {\n  %n = \"%v\"\n}", "params:\n    - key: %n\n      value: %v", "ERROR auth failed (%n: %v)", "what does %n=%v mean in this config?",
	"%n:%v", "\"%n\" : '%v'", "val %n: String = \"%v\"", "-D%n=%v", "://h/p?%n=%v&x=1",
}

var laterBare = []string{
	"is %v still valid?", "  password: %v\n", "push failed for https://ci:%v@git.example-host.net/a.git", "Authorization: token %v", "'%v',", "[%v]", "please rotate:\n%v\n", "X-Token: %v\r\nAccept: */*\r\n", "key=%v;",
}

var laterBlocks = []block{
	{"kaggle-json", "{\"username\":\"«word»\",\"key\":\"‹«hex32»›\"}"}, {"gh-hosts", "github.com:\n    oauth_token: ‹gho_«an36»›\n    user: «word»"}, {"az-cli", "az storage blob list --account-key ‹«b64:86»==›"},
	{"helm-cli", "helm install db x/pg --set auth.password=‹«strong»›"}, {"openssl", "openssl enc -aes-256-cbc -k ‹«strong»› -in a"}, {"zip", "7z x a.7z -p‹«strong»›"}, {"vnc", "vncpasswd: ‹«an8»›"},
	{"curl-u", "curl -sS --user «word»:‹«an24»› https://api.«word».io"}, {"wget", "wget --user=«word» --password='‹«strong»›' https://x"}, {"httpie", "http -a «word»:‹«strong»› https://x/api"}, {"svn", "svn co --username «word» --password ‹«strong»› https://x"},
	{"mssql-cli", "sqlcmd -S db1 -U sa -P '‹«strong»›' -Q 'select 1'"}, {"mongo-cli", "mongodump --uri=\"mongodb://«word»:‹«strong»›@h1:27017/db\""}, {"influx", "influx --token ‹«url86»==› query x"},
	{"sa-json", "\"private_key\": \"‹-----BEGIN «priv» KEY-----\\n«b64:64»\\n«b64:64»\\n-----END «priv» KEY-----\\n›\""}, {"pem-dsa", "‹-----BEGIN DSA «priv» KEY-----\n«body»\n-----END DSA «priv» KEY-----›"},
	{"pem-crlf", "‹-----BEGIN RSA «priv» KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,«HEX32»\r\n\r\n«b64:64»\r\n«b64:64»\r\n-----END RSA «priv» KEY-----›"},
	{"pem-one-line", "key: ‹-----BEGIN EC «priv» KEY----- «b64:64» «b64:60» -----END EC «priv» KEY-----›"}, {"pem-quote", "> ‹-----BEGIN OPENSSH «priv» KEY-----\n> «b64:70»\n> «b64:70»\n> -----END OPENSSH «priv» KEY-----›"},
	{"cookie-2", "document.cookie = \"PHPSESSID=‹«ln26»›\""}, {"cookie-3", "Cookie: remember_token=‹«hex40»›; a=1"}, {"redis-conf", "requirepass ‹«an24»›"}, {"mysql-cnf", "[mysqldump]\npassword = \"‹«pw»›\""},
	{"wpa", "wpa_passphrase=‹«word»«d4»«word»›"}, {"postfix", "[smtp.«word».com]:587 «word»:‹«strong»›"}, {"htaccess", "«word»:‹$2y$10$«an53»›"}, {"bearer-log", "curl: (22) 401, sent 'authorization: bearer ‹«an48»›'"},
	{"jenkinsfile", "withEnv(['API_TOKEN=‹«hex40»›']) { sh 'x' }"}, {"cs", "builder.Password = \"‹«strong»›\";"}, {"cs-2", "new SqlConnection(\"Data Source=db;User ID=«word»;Pwd=‹«strong»›\")"}, {"go-2", "client.SetBasicAuth(\"«word»\", \"‹«strong»›\")"},
	{"py-2", "conn = psycopg2.connect(host='db', user='«word»', password='‹«pw»›')"}, {"py-3", "session.auth = ('«word»', '‹«strong»›')"}, {"py-4", "create_engine('postgresql+psycopg2://«word»:‹«strong»›@db/x')"}, {"js-2", "axios.get(u, {auth: {username: '«word»', password: '‹«strong»›'}})"},
	{"js-3", "jwt.sign(payload, '‹«an32»›')"}, {"js-4", "mysql.createConnection({host:'h',user:'u',password:'‹«strong»›'})"}, {"php-2", "'password' => '‹«strong»›',"}, {"php-3", "$client->setAccessToken('‹«an40»›');"}, {"ruby-2", "Net::SSH.start('h', 'u', password: '‹«strong»›')"},
	{"java-2", ".password(\"‹«strong»›\")"}, {"java-3", "spring.mail.password: ‹«strong»›"}, {"rust-2", ".basic_auth(\"«word»\", Some(\"‹«strong»›\"))"}, {"ps-2", "$pass = '‹«strong»›'"}, {"ps-3", "Connect-VIServer -User admin -Password ‹«strong»›"},
	{"chat", "so the username is «word» and the password is ‹«strong»›, right?"}, {"chat", "pw: ‹«strong»›"}, {"chat", "It asks for a password; I typed ‹«strong»› and it was rejected."}, {"chat", "Use these credentials:\nUsername: «word»\nPassword: ‹«pw»›"},
	{"chat", "mein Passwort ist ‹«strong»›"}, {"chat", "mon mot de passe est ‹«strong»›"}, {"chat", "mi contraseña es ‹«strong»›"}, {"chat", "la password è ‹«strong»›"}, {"chat", "The API token (‹«an40»›) expires soon."}, {"chat", "secret key → ‹«hex64»›"},
	{"chat", "password=\"‹«word»-«word»-«word»-«word»›\""}, {"chat", "api key - ‹«an32»›"}, {"chat", "Token: ‹«hex32»›"}, {"chat", "access key AKIA«b32:16»\nsecret ‹«b64:40»›"}, {"chat", "License key: ‹«UN5»-«UN5»-«UN5»-«UN5»-«UN5»›"},
	{"seed", "seed phrase: ‹abandon ability able about above absent absorb abstract absurd abuse access accident›"}, {"eth", "ETH_PRIVATE_KEY=‹«hex64»›"}, {"wif", "wif: ‹5«an50»›"}, {"xprv", "‹xprv9«an107»›"},
	{"totp", "totp_secret: ‹«b32:32»›"}, {"totp-2", "otpauth://totp/x:«word»?secret=‹«b32:16»›&issuer=x"}, {"webhook", "https://discordapp.com/api/webhooks/1«d17»/‹«url68»›"}, {"webhook", "https://hooks.slack.com/services/T«UN9»/B«UN9»/‹«an24»›"},
	{"url-token", "https://raw.githubusercontent.com/a/b/main/c?token=‹A«UN28»›"}, {"url-2", "amqp://guest:‹«strong»›@mq:5672/%2f"}, {"url-3", "nats://«word»:‹«an20»›@nats:4222"}, {"url-4", "snowflake://«word»:‹«strong»›@acc/db"}, {"url-5", "socks5://«word»:‹«strong»›@«ip»:1080"},
}

var laterNears = []block{
	{"config", "password_min_length: 12\npassword_max_age_days: 90\ntoken_ttl = 3600s\nsecret_rotation = \"30d\""}, {"config", "auth: {type: oauth2, flow: authorization_code_with_pkce_s256}"}, {"config", "api_key_header_name = \"X-Internal-Api-Key-V2\""},
	{"config", "TOKEN_FILE=/run/secrets/github_token_2026\nPASSWORD_FILE=/run/secrets/db_password"}, {"config", "KEY_VAULT_NAME=kv-prod-westeurope-001"}, {"config", "ssl_certificate_key /etc/nginx/ssl/server-2026.key;"}, {"config", "jwt_secret: !Ref JwtSecretParameter01"},
	{"config", "password: \"{{ lookup('env','DB_PASSWORD') }}\""}, {"config", "token = var.github_token_v2"}, {"config", "client_secret: $(oidc-client-secret-2026)"}, {"config", "api_token: <paste the 40 character token here>"}, {"config", "  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef: {name: db-credentials-v2, key: password}"},
	{"config", "  - name: IMAGE_TAG\n    value: v2026.03.14-build1234"}, {"config", "variable \"token_ttl_seconds\" {\n  default = \"86400\"\n}"}, {"config", "ENV NODE_VERSION 22.4.1\nENV PATH_TO_KEY /etc/keys/prod2026.pem"}, {"config", "COPY --chown=1000:1000 . /app"},
	{"types", "interface Credentials { password: string; apiKey: string; token?: JsonWebToken2 }"}, {"types", "class PasswordResetToken(models.Model):\n    token = models.CharField(max_length=64, unique=True)"}, {"types", "CREATE TABLE users (password VARCHAR(255) NOT NULL, api_token CHAR(64));"}, {"types", "@Column(name = \"password_hash_v2\") private String passwordHash;"},
	{"tables", "| Parameter | Type |\n|---|---|\n| access_token | string(40) |\n| api_key | UUID4Field |"}, {"tables", "| SECRET_KEY | required-in-production1 |"}, {"prose", "I changed the key to C# minor because the token song was too high."}, {"prose", "Set the password to something you can remember, then set the token to expire in 90 days."},
	{"prose", "The secret of the 1984 novel is that the password was never given to Winston."}, {"prose", "What is a 256bit key? The AES256 key is a 32byte value."}, {"prose", "Our token is ERC20, listed on 2026-03-14 at 0x«hex40»"}, {"prose", "the pass is at 2,300m; the key is B-flat; the sign in form is broken"},
	{"prose", "PASSWORD: minimum 8 characters, e.g. Passw0rd-like strings are rejected"}, {"prose", "Der Schlüssel passt; das Kennwort steht im Handbuch Kapitel 12b."}, {"prose", "WIFI: ask at the desk; P: parking level 2"}, {"logs", "GET /api/v1/users/«uuid» 200 12ms trace=«hex32» span=«hex16»"},
	{"logs", "Jan 12 10:01:02 host sshd[123]: Accepted publickey for bob from 10.0.0.2 port 5022 ssh2: ED25519 SHA256:«b64:43»"}, {"logs", "etcd: compaction revision=«d8» hash=«d10» took=12.3ms key=\"/registry/pods/default/web-7d9f«hex6»\""}, {"logs", "kafka: partition_key=«hex16» offset=«d10» session_timeout=30000"},
	{"logs", "E2026-03-14 token_bucket.go:123:refill:user:limit exceeded"}, {"code", "map[string]string{\"Authorization\": \"Bearer \" + accessToken}"}, {"code", "const hash = crypto.createHash('sha256').update(password).digest('hex');"}, {"code", "auth=(user, password), headers={'X-Api-Key': settings.API_KEY}"},
	{"code", "mysqli_connect($host, $username, $password, $database1);"}, {"code", "conn.login('user@example.com', os.environ['MAIL_PASSWORD2'])"}, {"code", "token = jwt.encode({'sub': user_id}, key=PRIVATE_KEY2, algorithm='RS256')"}, {"code", "setPassword(passwordInput1.value); setToken(null);"},
	{"code", "if key == \"ArrowLeft2\" || key == 'Shift+Alt+F10' {"}, {"code", "redis.get(`session:${sid}:token:v2`)"}, {"code", "<label for=\"password2\">Repeat password</label><input id=\"password2\">"}, {"code", "KEY_BINDINGS = {'ctrl+shift+p': 'command_palette_open2'}"}, {"code", "t.Run(\"invalid_token_returns_401\", func(t *testing.T) {"},
	{"code", "export const ACCESS_TOKEN_COOKIE_NAME = 'app_access_token_v2';"}, {"code", "$password = $_POST['password'];\n$token = $request->bearerToken();"}, {"code", "let secret_number = rand::thread_rng().gen_range(1..=100);"}, {"ids", "s3://bucket/«hex32»/part-00000-«uuid»-c000.snappy.parquet"},
	{"ids", "gs://b/o#17«d14» md5=«b64:22»== crc32c=«b64:6»=="}, {"ids", "user_01H«UN23» org_2«an26» sub_1«an23» evt_«an24»"}, {"ids", "Message-ID: <CA+«an40»@mail.gmail.com>"}, {"ids", "DKIM-Signature: v=1; a=rsa-sha256; bh=«b64:43»=; b=«b64:172»"}, {"ids", "-----BEGIN PGP SIGNATURE-----\n\n«body»\n=«b64:4»\n-----END PGP SIGNATURE-----"},
	{"ids", "nonce-«b64:22» strict-dynamic; script-src 'sha256-«b64:43»='"}, {"ids", "IPFS Qm«an44» bafybei«ln52»"}, {"ids", "magnet:?xt=urn:btih:«hex40»&dn=ubuntu"}, {"ids", "flake.lock narHash: sha256-«b64:43»="}, {"ids", "SHA1(a)= «hex40»\nMD5 (b) = «hex32»"},
}
