package sim

import "net/http"

// routes are all calls the simulator knows.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	s.platformRoutes(mux)
	s.addonRoutes(mux)
	s.dataRoutes(mux)
	s.controlRoutes(mux)
	mux.Handle("/", s.locked(func(*request) (reply, error) {
		return reply{}, &apiError{status: http.StatusNotFound, id: "not_found", message: "The requested API endpoint was not found. Are you using the right HTTP verb (i.e. `GET` vs. `POST`), and did you specify your intended version with the `Accept` header?"}
	}))
	for _, prefix := range []string{"/client/v11/", "/postgres/v0/", "/data/"} {
		mux.Handle(prefix, s.locked(func(*request) (reply, error) { return reply{}, unknownDatabase{} }))
	}
	return mux
}

func (s *Server) platformRoutes(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET /account":                                    s.getAccount,
		"GET /account/rate-limits":                        s.getRateLimits,
		"GET /oauth/authorizations":                       s.listAuthorizations,
		"GET /regions":                                    s.listRegions,
		"GET /regions/{region}":                           s.getRegion,
		"GET /dyno-sizes":                                 s.listDynoSizes,
		"GET /apps":                                       s.listApps,
		"POST /apps":                                      s.createApp,
		"GET /apps/{app}":                                 s.getApp,
		"PATCH /apps/{app}":                               s.patchApp,
		"GET /users/{user}/apps":                          s.listApps,
		"GET /apps/{app}/collaborators":                   s.listCollaborators,
		"GET /apps/{app}/pipeline-couplings":              s.getPipelineCoupling,
		"GET /apps/{app}/features":                        s.listFeatures,
		"GET /apps/{app}/features/{feature}":              s.getFeature,
		"PATCH /apps/{app}/features/{feature}":            s.patchFeature,
		"PUT /apps/{app}/pre-authorizations":              s.preAuthorize,
		"GET /apps/{app}/formation":                       s.listFormation,
		"PATCH /apps/{app}/formation":                     s.patchFormation,
		"GET /apps/{app}/formation/{type}":                s.getProcess,
		"PATCH /apps/{app}/formation/{type}":              s.patchProcess,
		"GET /apps/{app}/formation/{type}/monitors":       s.listMonitors,
		"PATCH /apps/{app}/formation/{type}/monitors/{m}": s.patchMonitor,
		"POST /apps/{app}/formations/{type}/actions/stop": s.stopType,
		"GET /apps/{app}/dynos":                           s.listDynos,
		"POST /apps/{app}/dynos":                          s.runOneOff,
		"DELETE /apps/{app}/dynos":                        s.restartAll,
		"GET /apps/{app}/dynos/{dyno}":                    s.getDyno,
		"DELETE /apps/{app}/dynos/{dyno}":                 s.restartDyno,
		"POST /apps/{app}/dynos/{dyno}/actions/stop":      s.stopDyno,
		"GET /apps/{app}/releases":                        s.listReleases,
		"GET /apps/{app}/releases/{release}":              s.getRelease,
		"GET /apps/{app}/releases/{release}/config-vars":  s.getReleaseVars,
		"GET /apps/{app}/config-vars":                     s.getConfigVars,
		"PATCH /apps/{app}/config-vars":                   s.patchConfigVars,
	} {
		mux.Handle(pattern, s.locked(h))
	}
}

func (s *Server) addonRoutes(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET /addon-services/{service}":              s.getService,
		"GET /addon-services/{service}/plans":        s.listPlans,
		"GET /addon-services/{service}/plans/{plan}": s.getPlan,
		"GET /addons":                                    s.listAddons,
		"GET /addons/{addon}":                            s.getAddon,
		"GET /addons/{addon}/config":                     s.getAddonConfig,
		"GET /addons/{addon}/addon-attachments":          s.listAddonAttachments,
		"GET /apps/{app}/addons":                         s.listAppAddons,
		"POST /apps/{app}/addons":                        s.createAddon,
		"GET /apps/{app}/addons/{addon}":                 s.getAddon,
		"PATCH /apps/{app}/addons/{addon}":               s.changePlan,
		"DELETE /apps/{app}/addons/{addon}":              s.destroyAddon,
		"GET /addon-attachments":                         s.listAttachments,
		"POST /addon-attachments":                        s.createAttachment,
		"GET /addon-attachments/{attachment}":            s.getAttachment,
		"DELETE /addon-attachments/{attachment}":         s.deleteAttachment,
		"GET /apps/{app}/addon-attachments":              s.listAppAttachments,
		"GET /apps/{app}/addon-attachments/{attachment}": s.getAttachment,
		"POST /actions/addons/resolve":                   s.resolveAddons,
		"POST /actions/addon-attachments/resolve":        s.resolveAttachments,
	} {
		mux.Handle(pattern, s.locked(h))
	}
}

func (s *Server) dataRoutes(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET /client/v11/databases/{db}":                     s.getDatabase,
		"GET /client/v11/databases/{db}/wait_status":         s.getWaitStatus,
		"GET /client/v11/databases/{db}/transfer-schedules":  s.listSchedules,
		"GET /client/v11/databases/{db}/links":               s.listLinks,
		"GET /postgres/v0/databases/{db}/credentials":        s.listCredentials,
		"GET /postgres/v0/databases/{db}/credentials/{c}":    s.getCredential,
		"GET /postgres/v0/databases/{db}/config":             s.getSettings,
		"PATCH /postgres/v0/databases/{db}/config":           s.patchSettings,
		"GET /data/maintenances/v1/{addon}":                  s.getMaintenance,
		"GET /data/maintenances/v1/{addon}/{what}":           s.getMaintenancePart,
		"POST /data/maintenances/v1/{addon}/window":          s.setWindow,
		"POST /data/maintenances/v1/{addon}/schedule":        s.scheduleMaintenance,
		"PUT /client/v11/databases/{db}/unfollow":            s.unfollow,
		"POST /client/v11/databases/{db}/connection-pooling": s.attachPool,
	} {
		mux.Handle(pattern, s.locked(h))
	}
	for pattern, h := range map[string]handler{
		"POST /client/v11/databases/{db}/connection_reset":                      s.resetConnections,
		"PUT /client/v11/databases/{db}/reset":                                  s.resetDatabase,
		"POST /postgres/v0/databases/{db}/credentials":                          s.createCredential,
		"POST /postgres/v0/databases/{db}/credentials/{c}/credentials_rotation": s.rotateCredential,
		"POST /data/maintenances/v1/{addon}/run":                                s.runMaintenance,
	} {
		mux.Handle(pattern, s.unlocked(h))
	}
}

func (s *Server) controlRoutes(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET /sim/status":         s.controlStatus,
		"GET /sim/faults":         s.controlListFaults,
		"POST /sim/faults":        s.controlAddFault,
		"DELETE /sim/faults":      s.controlClearFaults,
		"DELETE /sim/faults/{id}": s.controlRemoveFault,
		"POST /sim/dynos":         s.controlDynos,
		"POST /sim/apps":          s.controlAddApp,
		"POST /sim/maintenances":  s.controlMaintenance,
		"POST /sim/schedules":     s.controlSchedule,
		"POST /sim/monitors":      s.controlMonitor,
		"POST /sim/failovers":     s.controlFailover,
		"POST /sim/addons":        s.controlOther,
		"POST /sim/rate-limit":    s.controlRateLimit,
		"POST /sim/shutdown":      s.controlShutdown,
	} {
		mux.Handle(pattern, s.unlocked(h))
	}
}
