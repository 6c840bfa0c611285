package cloud

// DevFile is what .postern/dev.json holds: all that a tool or a test needs to find its way in a running dev cloud. It names files of
// secrets where a service reads files too; the first owner's own secrets are in it, hence mode 0600.
type DevFile struct {
	BaseDomain  string   `json:"base_domain"`
	Regions     []string `json:"regions"` // the first is the default one
	URLs        URLs     `json:"urls"`
	CAFile      string   `json:"ca_file"`
	HTTPSAddr   string   `json:"https_addr"`
	HTTPAddr    string   `json:"http_addr"`
	PrivateAddr string   `json:"private_addr"`
	Data        string   `json:"data"`
	Owner       *Owner   `json:"owner,omitempty"`
	Engines     Engines  `json:"engines"`
	// PIDs are of devcloud (which Vault, NATS and Temporal run in), postgres and postern.
	PIDs map[string]int `json:"pids"`
}

// URLs are the public addresses.
type URLs struct {
	Console     string   `json:"console"`
	PlatformAPI string   `json:"platform_api"`
	Mail        string   `json:"mail"`
	Private     string   `json:"private"`
	Tenants     []string `json:"tenants"`
}

// Engines are where the engines are, and with what to open them.
type Engines struct {
	Postgres struct {
		Addr string `json:"addr"`
		// AdminDSN lacks the password, which is in AdminPasswordFile. SecretsDir has a file a role.
		AdminDSN          string `json:"admin_dsn"`
		AdminPasswordFile string `json:"admin_password_file"`
		SecretsDir        string `json:"secrets_dir"`
		Version           int    `json:"version"`
	} `json:"postgres"`
	Vault struct {
		Addr          string `json:"addr"`
		RootTokenFile string `json:"root_token_file"`
		SecretsDir    string `json:"secrets_dir"`
	} `json:"vault"`
	NATS struct {
		URL        string `json:"url"`
		SecretsDir string `json:"secrets_dir"`
	} `json:"nats"`
	Temporal struct {
		Addr      string `json:"addr"`
		Namespace string `json:"namespace"`
	} `json:"temporal"`
	SMTP struct {
		Addr string `json:"addr"`
		// Messages is the JSON list of mails; add ?to=someone@example.com for one recipient's.
		Messages string `json:"messages"`
	} `json:"smtp"`
	// Admin takes engines away and gives them back (README of devcloud).
	Admin struct {
		Addr      string `json:"addr"`
		TokenFile string `json:"token_file"`
	} `json:"admin"`
}
